import { afterAll, beforeAll, expect, test } from 'vitest';
import { startLoopbackServer } from './support/loopback.ts';
import { type OtlpReceiver, startOtlpReceiver } from './support/otlp-receiver.ts';
import { callerWith, startTestApp } from './support/world.ts';

const everySecond = { OTEL_METRIC_EXPORT_INTERVAL: '1000' };
let collector: OtlpReceiver;

beforeAll(async () => {
  collector = await startOtlpReceiver();
});
afterAll(() => collector.close());

const newest = (name: string) => collector.metrics.findLast((metric) => metric.name === name);

test('a collector gets what Prometheus would read, without what a client makes up', async () => {
  const app = await startTestApp({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, ...everySecond });
  for (let times = 0; times < 3; times += 1) await callerWith(app).send('query MadeUpForTheCollector { __typename }');
  const operations = () =>
    newest('gatehouse_operation_duration_seconds')?.points.find(({ attributes }) => attributes.outcome === 'ok');
  await expect.poll(() => operations()?.count).toBe(3);
  expect(operations()?.attributes).toEqual({ transport: 'http', type: 'query', outcome: 'ok' });
  const { bucketCounts = [], explicitBounds = [] } = operations() ?? {};
  expect(bucketCounts).toHaveLength(explicitBounds.length + 1);
  expect(bucketCounts.reduce((sum, count) => sum + count, 0)).toBe(3);
  // Zero has no bytes.
  const waiting = { queue: 'invitation.sendEmail', state: 'waiting' };
  expect(newest('gatehouse_jobs')).toMatchObject({ kind: 'gauge', instance: expect.stringMatching(/^[\da-f-]{36}$/) });
  expect(newest('gatehouse_jobs')?.points).toContainEqual({ attributes: waiting });
  expect(newest('process_cpu_user_seconds_total')?.kind).toBe('sum');
  expect(collector.metrics.some(({ points }) => JSON.stringify(points).includes('MadeUpForTheCollector'))).toBe(false);
  await app.close();
});

test('what was counted last is sent with the stop', async () => {
  const app = await startTestApp({
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_METRIC_EXPORT_INTERVAL: '3600000',
  });
  const before = collector.metrics.length;
  await callerWith(app).send('query CountedLast { nothing }');
  await app.close();
  const refused = collector.metrics
    .slice(before)
    .findLast(({ name }) => name === 'gatehouse_operation_duration_seconds')
    ?.points.map(({ attributes, count }) => [attributes.outcome, count]);
  expect(refused).toEqual([['GRAPHQL_VALIDATION_FAILED', 1]]);
});

test('a collector that does not answer fails nothing', async () => {
  const deaf = await startLoopbackServer(() => () => undefined);
  const app = await startTestApp({ OTEL_EXPORTER_OTLP_ENDPOINT: deaf.url, ...everySecond });
  expect(await callerWith(app).send('query BesideTheDeaf { __typename }')).toMatchObject({ codes: [] });
  await app.close();
  await deaf.close();
});
