import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { aRedisServer, hasRedis, type RedisServer } from './support/redis.ts';
import { anAddress, callerWith, Login, startTestApp, type TestApp } from './support/world.ts';

describe.runIf(hasRedis)('two machines with one database and one Redis', () => {
  let redis: RedisServer;
  let machines: readonly [TestApp, TestApp];

  beforeAll(async () => {
    redis = await aRedisServer();
    const keyring = `k1:${randomBytes(32).toString('base64')}`;
    const environment = { REDIS_URL: redis.url, RATE_LIMIT_SCALE: '1', KEYRING: keyring };
    const first = await startTestApp(environment);
    machines = [first, await startTestApp(environment, { beside: first })];
    await vi.waitFor(() => expect(states()).toEqual(['ready', 'ready']), 10_000);
  });
  afterAll(async () => {
    for (const machine of [...machines].reverse()) await machine.close();
    await redis.remove();
  });

  const limiters = () => machines.map(({ platform }) => platform.rateLimits.loginByOrigin as never as Limiter);
  const states = () => limiters().map(({ client }) => client.status);
  /** Sign-ins that are not right, in turn on both; how many were let through. */
  const guess = async (count: number) => {
    let admitted = 0;
    for (let i = 0; i < count; i += 1) {
      const caller = callerWith(machines[i % 2 ? 1 : 0]);
      const { codes } = await caller.send(Login, { input: { email: anAddress(), password: 'a wrong password' } });
      if (codes.length === 0) admitted += 1;
      else expect(codes).toEqual(['RATE_LIMITED']);
    }
    return admitted;
  };

  test('hear of each other’s events, each event once', async () => {
    const heard: string[] = [];
    const listening = machines.map(async ({ platform }) => {
      for await (const { uploadId } of platform.pubsub.subscribe('uploadProgress', 'one')) {
        heard.push(uploadId);
        if (uploadId === 'last') break;
      }
    });
    machines[0].platform.pubsub.publish('uploadProgress', 'other', { uploadId: 'elsewhere' });
    machines[0].platform.pubsub.publish('uploadProgress', 'one', { uploadId: 'first' });
    await vi.waitFor(() => expect(heard).toEqual(['first', 'first']), 5_000);
    machines[1].platform.pubsub.publish('uploadProgress', 'one', { uploadId: 'last' });
    await Promise.all(listening);
    expect(heard).toEqual(['first', 'first', 'last', 'last']);
  });

  test('count limits by address together, each by itself while Redis is away, and together again', async () => {
    expect(await guess(104)).toBe(100);
    await redis.stop();
    await vi.waitFor(() => expect(states()).not.toContain('ready'), 10_000);
    const { data, codes } = await callerWith(machines[0]).send(Login, {
      input: { email: anAddress(), password: 'a wrong password' },
    });
    expect([data?.login.__typename, codes]).toEqual(['InvalidCredentials', []]);
    expect(await guess(210)).toBeLessThanOrEqual(200);
    await redis.start();
    await vi.waitFor(() => expect(states()).toEqual(['ready', 'ready']), 10_000);
    expect(await guess(104)).toBe(100);
  });
});

interface Limiter {
  readonly client: { readonly status: string };
}
