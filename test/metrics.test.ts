import { beforeAll, describe, expect, test } from 'vitest';
import { startApp } from '../src/app.ts';
import { systemCtx } from '../src/context.ts';
import { enqueueLater } from '../src/jobs/queue.ts';
import { newId } from '../src/platform/typeid.ts';
import { connected } from './support/raw-socket.ts';
import { aPerson, callerWith, useApp } from './support/world.ts';

const app = useApp({ METRICS_PORT: '0' });
let url: string;
beforeAll(() => {
  url = app.metricsUrl ?? '';
});

const scrape = async () => (await fetch(url)).text();
/** The value of one line, by its name and labels. */
const sampleOf = (text: string, line: string) =>
  Number(
    text
      .split('\n')
      .find((each) => each.startsWith(`${line} `))
      ?.split(' ')
      .at(-1) ?? Number.NaN,
  );

describe('/metrics', () => {
  test('counts operations by transport, type and outcome, without what a client makes up', async () => {
    await callerWith(app).send('query MadeUpByTheClient { __typename }');
    await callerWith(app).send('{ nothing }');
    const text = await scrape();
    const name = 'gatehouse_operation_duration_seconds_count';
    expect(sampleOf(text, `${name}{transport="http",type="query",outcome="ok"}`)).toBeGreaterThan(0);
    expect(sampleOf(text, `${name}{transport="http",type="query",outcome="GRAPHQL_VALIDATION_FAILED"}`)).toBe(1);
    expect(text).not.toContain('MadeUpByTheClient');
  });

  test('counts open sockets', async () => {
    const client = await connected(app.url, { authorization: `Bearer ${(await aPerson(app)).accessToken}` });
    expect(sampleOf(await scrape(), 'gatehouse_connections')).toBe(1);
    client.socket.close();
    await client.closed;
    await expect.poll(async () => sampleOf(await scrape(), 'gatehouse_connections')).toBe(0);
  });

  test('says how the queues stand', async () => {
    const ctx = systemCtx(app.platform);
    await enqueueLater(ctx, { name: 'webhook.challenge', payload: { endpointId: newId() } }, 3_600);
    const text = await scrape();
    expect(sampleOf(text, 'gatehouse_jobs{queue="webhook.challenge",state="delayed"}')).toBe(1);
    expect(sampleOf(text, 'gatehouse_jobs{queue="webhook.challenge",state="running"}')).toBe(0);
    expect(sampleOf(text, 'gatehouse_dead_letters_open{queue="webhook.challenge"}')).toBe(0);
  });

  test('is not on the port of the API, nor anything else on its own', async () => {
    expect((await fetch(`${app.url}/metrics`)).status).toBe(404);
    expect((await fetch(url.replace('/metrics', '/graphql'))).status).toBe(404);
  });

  test('is nowhere without METRICS_PORT', async () => {
    const config = { ...app.platform.config, metricsPort: null };
    const silent = await startApp(config, { databaseUrl: app.databaseUrl, roles: ['api'], log: app.platform.log });
    expect(silent.metricsUrl).toBeNull();
    await silent.close();
  });
});
