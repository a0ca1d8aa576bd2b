import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type HttpServer, startHttpServer } from '../src/edge/http.ts';
import { createLogger } from '../src/platform/log.ts';
import { connected } from './support/raw-socket.ts';
import { makeTrial } from './support/trial-schema.ts';
import { aPerson, callerWith, Login, type Person, password, useApp } from './support/world.ts';

const app = useApp();
const trial = makeTrial();
let server: HttpServer;
let ada: Person;

beforeAll(async () => {
  server = await startHttpServer(app.platform, trial.schema);
  ada = await aPerson(app);
});
afterAll(() => server.close());

const linesOf = (requestId: string | null) =>
  app.logLines.filter((line) => line.msg === 'operation' && line.requestId === requestId);
/** The one line of a request; a second one would be as wrong as none. */
const lineOf = async (requestId: string | null) => {
  const [line, ...others] = await vi.waitUntil(
    () => (linesOf(requestId).length > 0 ? linesOf(requestId) : undefined),
    10_000,
  );
  expect(others).toEqual([]);
  return line;
};
const socketLineOf = (operationName: string) =>
  vi.waitUntil(
    () => app.logLines.find((line) => line.transport === 'websocket' && line.operationName === operationName),
    10_000,
  );
const trialCaller = (person?: Person) => callerWith({ ...app, url: server.url }, person?.accessToken);
const identity = () => ({
  userId: ada.id,
  sessionId: ada.sessionId,
  organizationId: ada.organizationId,
  apiKeyId: null,
});

describe('F23 each operation has one line', () => {
  test('F23 with who, what, outcome and duration, and nothing else', async () => {
    const { headers } = await ada.send('query Mine { viewer { id } }');
    expect(await lineOf(headers.get('x-request-id'))).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      msg: 'operation',
      requestId: headers.get('x-request-id'),
      ...identity(),
      operationName: 'Mine',
      operationType: 'query',
      transport: 'http',
      outcome: 'ok',
      durationMs: expect.any(Number),
    });
  });

  test('F23 names whom a sign-in made of nobody', async () => {
    const { data, headers } = await callerWith(app).send(Login, { input: { email: ada.email, password } });
    const sessionId = data.login.__typename === 'SignedIn' ? data.login.viewer.session.id : null;
    expect(await lineOf(headers.get('x-request-id'))).toMatchObject({
      userId: ada.id,
      sessionId,
      operationName: 'Login',
      outcome: 'ok',
    });
  });

  test('F23 takes the name from the document, whatever the client says', async () => {
    const { headers } = await callerWith(app).send('query { __typename }', {}, { 'x-operation-name': 'Liar' });
    expect(await lineOf(headers.get('x-request-id'))).toMatchObject({
      operationName: null,
      operationType: 'query',
      userId: null,
    });
  });

  test.each([
    ['is no document', '{ viewer', 'GRAPHQL_PARSE_FAILED', null],
    ['does not fit the schema', 'query Odd { nothing }', 'GRAPHQL_VALIDATION_FAILED', 'Odd'],
    ['is too big', `query Big { ${'viewer { id } '.repeat(500)} }`, 'OPERATION_TOO_COMPLEX', null],
    [
      'is refused by its resolver',
      'mutation Odd { logout { __typename ... on Error { nothing } } }',
      'GRAPHQL_VALIDATION_FAILED',
      'Odd',
    ],
  ])('F23 also one that %s, with its caller', async (_what, query, outcome, operationName) => {
    const { headers } = await ada.send(query);
    expect(await lineOf(headers.get('x-request-id'))).toMatchObject({ ...identity(), outcome, operationName });
  });

  test('F23 also one whose credentials are not good', async () => {
    const { headers } = await callerWith(app, 'nonsense').send('query Mine { viewer { id } }');
    expect(await lineOf(headers.get('x-request-id'))).toMatchObject({
      userId: null,
      operationName: 'Mine',
      outcome: 'UNAUTHENTICATED',
    });
  });

  test('F23 also one that is none to HTTP', async () => {
    const { headers } = await fetch(`${app.url}/graphql`, { method: 'POST', body: 'text' });
    expect(await lineOf(headers.get('x-request-id'))).toMatchObject({ operationName: null, outcome: 'BAD_USER_INPUT' });
  });

  test('F23 with the code of the first error when some fields failed', async () => {
    const { headers } = await trialCaller().send('{ actor limited bug }');
    expect(await lineOf(headers.get('x-request-id'))).toMatchObject({ outcome: 'RATE_LIMITED' });
  });

  test('F23 also when the client does not wait for the answer', async () => {
    const client = new AbortController();
    const before = trial.waits.begun;
    const headers = { 'content-type': 'application/json', 'x-request-id': 'impatient-client' };
    const body = JSON.stringify({ query: 'query Impatient { wait }' });
    const answer = fetch(`${server.url}/graphql`, { method: 'POST', headers, body, signal: client.signal });
    await vi.waitFor(() => expect(trial.waits.begun).toBe(before + 1), 10_000);
    client.abort();
    await expect(answer).rejects.toThrow();
    expect(await lineOf('impatient-client')).toMatchObject({ operationName: 'Impatient', outcome: 'CANCELED' });
  });

  test('F23 over SSE, at its end', async () => {
    const client = new AbortController();
    const headers = {
      'content-type': 'application/json',
      accept: 'text/event-stream',
      authorization: `Bearer ${ada.accessToken}`,
      'x-request-id': 'a-stream-of-mine',
    };
    const body = JSON.stringify({ query: 'subscription Stream { actor }' });
    await fetch(`${server.url}/graphql`, { method: 'POST', headers, body, signal: client.signal });
    expect(linesOf('a-stream-of-mine')).toEqual([]);
    client.abort();
    expect(await lineOf('a-stream-of-mine')).toMatchObject({
      ...identity(),
      operationType: 'subscription',
      transport: 'sse',
      outcome: 'ok',
    });
  });

  test.each([
    ['a query', 'query SocketQuery { actor }', 'SocketQuery', 'ok'],
    ['what fails in part', 'query SocketPart { actor limited }', 'SocketPart', 'RATE_LIMITED'],
    ['what does not fit the schema', 'query SocketOdd { nothing }', 'SocketOdd', 'GRAPHQL_VALIDATION_FAILED'],
  ])('F23 over a socket: %s', async (_what, query, operationName, outcome) => {
    const client = await connected(server.url, { authorization: `Bearer ${ada.accessToken}` });
    client.send({ id: 'q', type: 'subscribe', payload: { query } });
    const requestId = expect.stringMatching(/^[0-9a-f-]{36}$/);
    expect(await socketLineOf(operationName)).toMatchObject({
      ...identity(),
      requestId,
      operationType: 'query',
      outcome,
    });
    client.socket.terminate();
  });

  test('F23 over a socket: a subscription, when the socket is gone', async () => {
    const client = await connected(server.url, { authorization: `Bearer ${ada.accessToken}` });
    client.send({ id: 's', type: 'subscribe', payload: { query: 'subscription SocketStream { actor }' } });
    await vi.waitFor(() => expect(trial.subscribers).toBe(1), 10_000);
    client.socket.terminate();
    expect(await socketLineOf('SocketStream')).toMatchObject({
      ...identity(),
      operationType: 'subscription',
      outcome: 'ok',
    });
  });
});

describe('F23 no log line holds', () => {
  test('F23 a secret of signing up and in, nor a token that nobody knows', async () => {
    await trialCaller().send('query ($input: Secret) { bug secret(input: $input) }', {
      input: { password: 'hunter2', age: 'hunter3' },
    });
    await trialCaller().send('{ secret(text: "hunter4") ', {});
    await callerWith(app, 'eyJhbGciOiJFZERTQSJ9.forged').send('{ viewer { id } }');
    const mails = (await (await fetch(`${app.url}/dev/mailbox.json`)).json()) as { text: string }[];
    const mailed = mails.flatMap(({ text }) => text.match(/(?<=token=)[\w-]+/g) ?? []);
    const secrets = [
      password,
      ada.accessToken,
      ada.refreshToken,
      ...mailed,
      'hunter3',
      'hunter4',
      'eyJhbGciOiJFZERTQSJ9',
    ];
    const log = JSON.stringify(app.logLines);
    expect(mailed.length).toBeGreaterThan(0);
    expect(secrets.filter((secret) => log.includes(secret))).toEqual([]);
  });

  test('F23 the arguments of a call that the database client cannot read, but what is wrong with it', async () => {
    const lines: string[] = [];
    const log = createLogger('info', { write: (line) => void lines.push(line) });
    const where = { email: 'hunter5', nonsense: true } as object as { email: string };
    await app.platform.db.user.findUnique({ where }).catch((err: unknown) => log.error({ err }, 'failed'));
    log.error({ err: Object.assign(new Error('gone'), { code: 'P1001' }) }, 'failed');
    expect(lines.join()).not.toContain('hunter5');
    expect(lines.join()).toContain('nonsense');
    expect(lines.join()).toContain('P1001');
  });
});
