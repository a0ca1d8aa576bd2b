import { get } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createSafeHttp } from '../src/platform/safe-http.ts';
import { inSpan } from '../src/platform/telemetry.ts';
import { graphql } from './generated/gql.ts';
import { startLoopbackServer } from './support/loopback.ts';
import { tokenIn, waitForMail } from './support/mailbox.ts';
import { type OtlpReceiver, type ReceivedSpan, startOtlpReceiver } from './support/otlp-receiver.ts';
import { type PostOffice, startPostOffice } from './support/post-office.ts';
import { connected } from './support/raw-socket.ts';
import { projectFiles, textOf } from './support/sources.ts';
import {
  anAddress,
  aPerson,
  callerWith,
  InviteMember,
  Login,
  type Person,
  password,
  Register,
  startTestApp,
  type TestApp,
} from './support/world.ts';

const TracedViewer = graphql(`query TracedViewer { viewer { email activeOrganization { name } } }`);

let collector: OtlpReceiver;
let app: TestApp;
let ada: Person;

beforeAll(async () => {
  collector = await startOtlpReceiver();
  app = await startTestApp({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
  ada = await aPerson(app);
});
afterAll(async () => {
  await app.close();
  await collector.close();
});

const spanNamed = async (name: string, where: (span: ReceivedSpan) => boolean = () => true): Promise<ReceivedSpan> => {
  const find = () => collector.spans.findLast((span) => span.name === name && where(span));
  await expect.poll(find, { message: `no span ${name}` }).toBeDefined();
  return find() as ReceivedSpan;
};
const childrenOf = ({ spanId }: ReceivedSpan) => collector.spans.filter(({ parentSpanId }) => parentSpanId === spanId);
const below = (span: ReceivedSpan): ReceivedSpan[] => childrenOf(span).flatMap((child) => [child, ...below(child)]);
const traceparent = (traceId: string) => `00-${traceId}-00f067aa0ba902b7-01`;
const aTraceId = () => Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString('hex');

describe('an operation', () => {
  test('is a span with its fields and its statements below it', async () => {
    await ada.send(TracedViewer);
    const operation = await spanNamed('query TracedViewer');
    expect(operation).toMatchObject({ kind: 2, parentSpanId: '', service: 'gatehouse', status: {} });
    expect(operation.attributes).toMatchObject({
      'graphql.operation.type': 'query',
      'graphql.operation.name': 'TracedViewer',
      'gatehouse.transport': 'http',
      'gatehouse.outcome': 'ok',
    });
    const field = childrenOf(operation).find(({ name }) => name === 'Query.viewer');
    expect(field).toBeDefined();
    const statements = below(operation).filter(({ attributes }) => attributes['db.system.name'] === 'postgresql');
    expect(statements.some(({ attributes }) => String(attributes['db.query.text']).includes('$1'))).toBe(true);
  });

  test('goes on with the trace of its caller, over HTTP, SSE and a socket', async () => {
    const [http, sse, socket] = [aTraceId(), aTraceId(), aTraceId()];
    await callerWith(app).send('query CalledByHttp { __typename }', {}, { traceparent: traceparent(http) });
    const headers = { accept: 'text/event-stream', traceparent: traceparent(sse) };
    await fetch(`${app.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ query: 'query CalledBySse { __typename }' }),
    }).then((response) => response.text());
    const client = await connected(app.url);
    const payload = {
      query: 'query CalledBySocket { __typename }',
      extensions: { traceparent: traceparent(socket) },
    };
    client.send({ id: 'q', type: 'subscribe', payload });
    await client.next();
    client.socket.close();
    for (const [name, traceId, transport] of [
      ['CalledByHttp', http, 'http'],
      ['CalledBySse', sse, 'sse'],
      ['CalledBySocket', socket, 'websocket'],
    ] as const) {
      const span = await spanNamed(`query ${name}`);
      expect(span).toMatchObject({ traceId, parentSpanId: '00f067aa0ba902b7' });
      expect(span.attributes['gatehouse.transport']).toBe(transport);
    }
  });

  test('that the caller does not sample is not sampled', async () => {
    const traceId = aTraceId();
    const silent = `00-${traceId}-00f067aa0ba902b7-00`;
    await callerWith(app).send('query NotSampled { __typename }', {}, { traceparent: silent });
    await callerWith(app).send('query SampledAfterIt { __typename }');
    await spanNamed('query SampledAfterIt');
    expect(collector.spans.some((span) => span.traceId === traceId)).toBe(false);
  });

  test('says how it ended, and a fault of ours is an error', async () => {
    await callerWith(app).send('query Unheard { nothing }');
    const refused = await spanNamed('query Unheard');
    expect(refused.attributes['gatehouse.outcome']).toBe('GRAPHQL_VALIDATION_FAILED');
    expect(refused.status.code ?? 0).toBe(0);
  });

  test('has its trace in its log line', async () => {
    await ada.send('query LoggedInATrace { viewer { email } }');
    const { traceId } = await spanNamed('query LoggedInATrace');
    expect(app.logLines.find((line) => line.operationName === 'LoggedInATrace')).toMatchObject({ traceId });
  });
});

describe('a statement', () => {
  test('stays with what asked for it when the pool is full', async () => {
    const { telemetry, db } = app.platform;
    if (!telemetry) throw new Error('no telemetry');
    const askers = Array.from({ length: 45 }, (_, at) => at);
    const ask = (at: number) =>
      inSpan(telemetry.tracer, { name: `asker ${at}`, kind: 0 }, () =>
        db.$queryRawUnsafe(`SELECT pg_sleep(0.05)::text, '#${at}#'`),
      );
    await Promise.all(askers.map(ask));
    for (const at of askers) {
      const asker = await spanNamed(`asker ${at}`);
      const [statement] = childrenOf(asker);
      expect(String(statement?.attributes['db.query.text'])).toContain(`'#${at}#'`);
    }
  });
});

describe('a job', () => {
  test('is part of the trace that enqueued it, down to the mail', async () => {
    const traceId = aTraceId();
    const email = anAddress('grace');
    const input = { organizationId: ada.organizationId, email, role: 'MEMBER' as const };
    await ada.send(InviteMember, { input }, { traceparent: traceparent(traceId) });
    const mail = await spanNamed('send mail', (span) => span.traceId === traceId);
    const byId = new Map(collector.spans.map((span) => [span.spanId, span]));
    const path = [];
    for (let span: ReceivedSpan | undefined = mail; span; span = byId.get(span.parentSpanId)) path.unshift(span.name);
    expect(path).toEqual([
      'mutation InviteMember',
      'Mutation.inviteMember',
      'send invitation.sendEmail',
      'process invitation.sendEmail',
      'send mail',
    ]);
    expect(app.logLines.find((line) => line.job === 'invitation.sendEmail' && line.traceId === traceId)).toBeDefined();
  });
});

describe('a subscription', () => {
  test('gives each event a trace of its own, linked to it', async () => {
    const client = await connected(app.url, { authorization: `Bearer ${ada.accessToken}` });
    const query = 'subscription TracedFeed { notifications { cursor } }';
    client.send({ id: 's', type: 'subscribe', payload: { query } });
    const host = await aPerson(app, { name: 'Host' });
    const input = { organizationId: host.organizationId, email: ada.email, role: 'MEMBER' as const };
    await host.send(InviteMember, { input });
    expect((await client.next()).type).toBe('next');
    client.socket.close();
    const event = await spanNamed('event subscription TracedFeed');
    const subscription = await spanNamed('subscription TracedFeed');
    expect(event.traceId).not.toBe(subscription.traceId);
    expect(event.links).toEqual([{ traceId: subscription.traceId, spanId: subscription.spanId }]);
    expect(below(event).length).toBeGreaterThan(0);
  });
});

describe('what goes out', () => {
  let office: PostOffice;
  let refusing: TestApp;
  afterEach(async () => {
    await refusing?.close();
    await office?.close();
  });

  test('never holds a token, a password, an address or a word of an error', async () => {
    office = await startPostOffice((address) => (address.startsWith('refused') ? 451 : null));
    refusing = await startTestApp({
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      SMTP_URL: office.url,
      JOB_RETRY_DELAY_SECONDS: '600',
    });
    const email = anAddress('refused');
    await callerWith(refusing).send(Register, { input: { email, password, name: 'Nobody Else' } });
    await callerWith(app).send(Login, { input: { email: ada.email, password: 'not her password at all' } });
    const failed = await spanNamed('send mail', ({ status }) => status.code === 2);
    expect(failed.events).toEqual([]);
    await spanNamed('process account.sendVerificationEmail', ({ traceId }) => traceId === failed.traceId);
    const invited = await waitForMail(app, { to: ada.email });
    const secrets = [
      ada.accessToken,
      ada.refreshToken,
      tokenIn(invited),
      password,
      'not her password at all',
      'Nobody Else',
      '@example.com',
      'not now',
    ];
    for (const secret of secrets) expect(collector.bytes()).not.toContain(secret);
    for (const span of collector.spans) {
      expect(span.events).toEqual([]);
      expect(span.status.message ?? '').toBe('');
    }
  });

  test('tells an HTTP request by method and host, and adds nothing to it', async () => {
    const heard: string[][] = [];
    const host = await startLoopbackServer(() => (request, response) => {
      heard.push(Object.keys(request.headers));
      response.end('thanks');
    });
    const { telemetry } = app.platform;
    if (!telemetry) throw new Error('no telemetry');
    const http = createSafeHttp(['127.0.0.0/8']);
    const post = { url: `${host.url}/secret-path?token=abc`, headers: {}, body: '{}', timeoutMs: 3_000 };
    await inSpan(telemetry.tracer, { name: 'deliver', kind: 0 }, async () => {
      await http.post({ ...post, signal: new AbortController().signal });
      await new Promise((done) => get(`${host.url}/secret-path`, (answer) => answer.resume().on('end', done)));
    });
    await http.close();
    await host.close();
    const outer = await spanNamed('deliver');
    const port = Number(new URL(host.url).port);
    await expect.poll(() => childrenOf(outer).map(({ name }) => name)).toEqual(['POST 127.0.0.1', 'GET 127.0.0.1']);
    for (const { attributes } of childrenOf(outer))
      expect(attributes).toMatchObject({ 'server.port': port, 'http.response.status_code': 200 });
    expect(heard).toHaveLength(2);
    expect(heard.flat()).not.toContain('traceparent');
    expect(collector.bytes()).not.toContain('secret-path');
  });
});

test('a collector that does not answer fails nothing, and holds up the end for a second at most', async () => {
  const deaf = await startLoopbackServer(() => () => {});
  const alone = await startTestApp({ OTEL_EXPORTER_OTLP_ENDPOINT: deaf.url });
  const { telemetry } = alone.platform;
  expect((await callerWith(alone).send('query Unseen { __typename }')).codes).toEqual([]);
  const startedAt = performance.now();
  await telemetry?.close();
  expect(performance.now() - startedAt).toBeLessThan(1_500);
  await alone.close();
  await deaf.close();
});

describe('without an endpoint', () => {
  test('there is no telemetry, and the SDK is in three files that nobody loads ahead', async () => {
    const sdk = /from '@opentelemetry\/(?!api')/;
    const files = projectFiles().filter((file) => file.startsWith('src/') && sdk.test(textOf(file)));
    expect(files).toEqual(
      ['metrics-sdk', 'telemetry-resource', 'telemetry-sdk'].map((name) => `src/platform/${name}.ts`),
    );
    const loading = projectFiles().filter(
      (file) => file.startsWith('src/') && /from '.*(-sdk|telemetry-resource)\.ts'/.test(textOf(file)),
    );
    // Which are among the three.
    expect(loading).toEqual(['src/platform/metrics-sdk.ts', 'src/platform/telemetry-sdk.ts']);
  });
});
