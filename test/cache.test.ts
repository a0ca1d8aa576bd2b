import { afterAll, beforeAll, describe, expect, expectTypeOf, test, vi } from 'vitest';
import { type Cache, type Cacheable, cached, createCache } from '../src/platform/cache.ts';
import { createLogger } from '../src/platform/log.ts';
import { connectRedis, type RedisConnections } from '../src/platform/redis.ts';
import { aRedisServer, hasRedis, type RedisServer } from './support/redis.ts';

interface Report {
  readonly at: Date;
  readonly bytes: bigint;
  readonly digest: Uint8Array;
  readonly missing?: undefined;
  readonly byDay: ReadonlyMap<string, { readonly ids: ReadonlySet<string>; readonly last: Date | null }>;
}

const report: Report = {
  at: new Date('2026-11-24T12:00:00.123Z'),
  bytes: 2n ** 60n + 1n,
  digest: Buffer.from([0, 255, 128]),
  missing: undefined,
  byDay: new Map([['2026-11-24', { ids: new Set(['usr_1', 'usr_2']), last: null }]]),
};

let redis: RedisServer | null = null;
let connections: RedisConnections | null = null;
beforeAll(async () => {
  if (!hasRedis) return;
  redis = await aRedisServer();
  connections = connectRedis(redis.url, createLogger('silent'));
  await vi.waitFor(() => expect(connections?.commands.status).toBe('ready'), 10_000);
});
afterAll(async () => {
  await connections?.close();
  await redis?.remove();
});

const stores: [string, () => Cache][] = [['in memory', () => createCache(null)]];
if (hasRedis) stores.push(['in Redis', () => createCache(connections?.commands ?? null)]);

describe.each(stores)('a cached function, %s', (where, cacheOf) => {
  test('F33 gives back what it gave, equal in type and value, and runs once for the same arguments', async () => {
    let runs = 0;
    const policy = { name: `report ${where}`, seconds: 60 };
    const read = cached(cacheOf(), policy, async (_organizationId: string, _since: Date): Promise<Report> => {
      runs += 1;
      return report;
    });
    const [first, again] = [await read('org_1', new Date(0)), await read('org_1', new Date(0))];
    expect(runs).toBe(1);
    expect(again).toStrictEqual(first);
    expect([again.at instanceof Date, typeof again.bytes, again.digest instanceof Uint8Array]).toEqual([
      true,
      'bigint',
      true,
    ]);
    await read('org_1', new Date(1));
    await read('org_2', new Date(0));
    expect(runs).toBe(3);
  });

  test('keeps nothing of a failure, and forgets after its time', async () => {
    let runs = 0;
    const policy = { name: `failing ${where}`, seconds: 1 };
    const read = cached(cacheOf(), policy, async () => {
      runs += 1;
      if (runs === 1) throw new Error('not now');
      return runs;
    });
    await expect(read()).rejects.toThrow('not now');
    expect(await read()).toBe(2);
    await expect.poll(read, { timeout: 5_000, interval: 200 }).toBe(3);
  });
});

interface Money {
  readonly cents: number;
  format(): string;
}

test('F33 what would not come back as it was does not compile', () => {
  expectTypeOf<Report>().toExtend<Cacheable<Report>>();
  expectTypeOf<Cacheable<() => number>>().toBeNever();
  expectTypeOf<{ readonly price: Money }>().not.toExtend<Cacheable<{ readonly price: Money }>>();
  expectTypeOf<ReturnType<typeof cached<[Date], number>>>().not.toBeNever();
  expectTypeOf<ReturnType<typeof cached<[Money], number>>>().toBeNever();
});
