import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type HttpServer, startHttpServer } from '../src/edge/http.ts';
import { connectDb } from '../src/platform/db.ts';
import { makeTrial } from './support/trial-schema.ts';
import { aPerson, callerWith, useApp } from './support/world.ts';

const app = useApp();
const servers: HttpServer[] = [];
let withDatabase: HttpServer;
let withoutDatabase: HttpServer;

beforeAll(async () => {
  const { db } = connectDb('postgresql://nobody@127.0.0.1:1/nothing', app.platform.log);
  withDatabase = await startHttpServer(app.platform, makeTrial().schema);
  withoutDatabase = await startHttpServer({ ...app.platform, db }, makeTrial().schema);
  servers.push(withDatabase, withoutDatabase);
});
afterAll(() => Promise.all(servers.map((server) => server.close())));

const anyone = (server = withDatabase) => callerWith({ ...app, url: server.url });
const strict = { accept: 'application/graphql-response+json' };

describe('a bug', () => {
  test('is INTERNAL with a request id, and told to the log alone', async () => {
    const { status, data, errors, headers } = await anyone().send('{ actor bug }');
    const requestId = headers.get('x-request-id');
    const message = 'Something went wrong on our side.';
    expect([status, data]).toEqual([200, { actor: 'anonymous', bug: null }]);
    expect(errors).toEqual([
      { message, locations: expect.any(Array), path: ['bug'], extensions: { code: 'INTERNAL', requestId } },
    ]);
    const line = app.logLines.find((entry) => entry.requestId === requestId && entry.level === 'error');
    expect(line).toMatchObject({
      path: ['bug'],
      err: { message: expect.stringContaining('hunter2'), stack: expect.any(String) },
    });
  });

  test('of a field that must not be null is one too', async () => {
    const { codes, errors } = await anyone().send('{ impossible }');
    expect([codes, errors[0]?.message]).toEqual([['INTERNAL'], 'Something went wrong on our side.']);
  });
});

describe('a refusal', () => {
  test('says itself, with its details', async () => {
    const { errors } = await anyone().send('{ limited }');
    expect(errors[0]).toMatchObject({ path: ['limited'], extensions: { code: 'RATE_LIMITED', retryAfterSeconds: 7 } });
  });

  test('of a foreign organization takes the whole request: 404 where the media type allows it, else 200', async () => {
    const [ada, grace] = [await aPerson(app), await aPerson(app, { name: 'Grace' })];
    const foreign = { 'x-organization-id': grace.organizationId };
    const answers = await Promise.all([
      ada.send('{ viewer { id } }', {}, foreign),
      ada.send('{ viewer { id } }', {}, { ...foreign, ...strict }),
    ]);
    expect(answers.map(({ status, codes, data }) => [status, codes, data])).toEqual([
      [200, ['NOT_FOUND'], undefined],
      [404, ['NOT_FOUND'], undefined],
    ]);
  });
});

describe('a mistake in the request', () => {
  test.each([
    ['GRAPHQL_PARSE_FAILED', '{ secret(text: "hunter2" }', 400],
    ['GRAPHQL_PARSE_FAILED', '{ secret(text: "a" "hunter2") }', 400],
    ['GRAPHQL_PARSE_FAILED', 'hunter2 { secret }', 400],
    ['GRAPHQL_PARSE_FAILED', '{ secret(text: "hunter2', 400],
    ['GRAPHQL_VALIDATION_FAILED', '{ secret(input: "hunter2") }', 400],
    ['GRAPHQL_VALIDATION_FAILED', '{ secret(input: { password: 1, age: "hunter2" }) }', 400],
    ['GRAPHQL_VALIDATION_FAILED', '{ secret(text: hunter2) }', 400],
    ['BAD_USER_INPUT', 'query A { actor } query B { actor }', 400],
  ])('is %s and repeats no value: %s', async (code, query, status) => {
    const answer = await anyone().send(query, {}, strict);
    expect([answer.status, new Set(answer.codes)]).toEqual([status, new Set([code])]);
    expect(JSON.stringify(answer.errors)).not.toContain('hunter2');
    expect((await anyone().send(query)).status).toBe(200);
  });

  test.each([
    ['of another type', { input: 'hunter2' }, 'Variable "$input" has a value that does not fit its type.'],
    [
      'of another type inside',
      { input: { password: 'x', age: 'hunter2' } },
      'Variable "$input" has a value that does not fit its type at "input.age".',
    ],
    [
      'with an unknown key',
      { input: { password: 'x', hunter2: 'hunter2' } },
      'Variable "$input" has a value that does not fit its type.',
    ],
    ['that lacks a key', { input: { age: 1 } }, 'Variable "$input" has a value that does not fit its type.'],
    [
      'that tries to be quoted',
      { input: { password: 'x', age: ' at "input.hunter2"; ' } },
      expect.not.stringContaining('; '),
    ],
  ])('in variables is BAD_USER_INPUT: a value %s', async (_what, variables, message) => {
    const answer = await anyone().send('query ($input: Secret) { secret(input: $input) }', variables, strict);
    expect([answer.status, answer.codes, answer.errors[0]?.message]).toEqual([400, ['BAD_USER_INPUT'], message]);
  });

  test('in variables that are missing is BAD_USER_INPUT', async () => {
    const answer = await anyone().send('query ($input: Secret!) { secret(input: $input) }');
    expect([answer.codes, answer.errors[0]?.message]).toEqual([
      ['BAD_USER_INPUT'],
      expect.stringContaining('was not provided'),
    ]);
  });
});

describe('a database that does not answer', () => {
  test('is SERVICE_UNAVAILABLE for the field that needs it', async () => {
    const { codes, data } = await anyone().send('{ actor poolIsEmpty slowStatement }');
    expect([codes.sort(), data]).toEqual([
      ['SERVICE_UNAVAILABLE', 'SERVICE_UNAVAILABLE'],
      { actor: 'anonymous', poolIsEmpty: null, slowStatement: null },
    ]);
  });

  test('is 503 for a request whose caller cannot be looked up', async () => {
    const { accessToken } = await aPerson(app);
    const answer = await callerWith({ ...app, url: withoutDatabase.url }, accessToken).send('{ actor }');
    expect([answer.status, answer.codes, answer.headers.get('retry-after')]).toEqual([
      503,
      ['SERVICE_UNAVAILABLE'],
      '1',
    ]);
  });

  test('is told by /health/ready, and by /health/live not', async () => {
    const [ready, live] = await Promise.all(
      ['ready', 'live'].map((path) => fetch(`${withoutDatabase.url}/health/${path}`)),
    );
    expect([ready?.status, await ready?.json()]).toEqual([503, { status: 'unavailable', database: 'down' }]);
    expect(live?.status).toBe(200);
  });
});
