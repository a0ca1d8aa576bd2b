import { auditServer } from 'graphql-http';
import { describe, expect, test } from 'vitest';
import { exchange, rawConnection } from './support/raw-socket.ts';
import { useApp } from './support/world.ts';

const app = useApp();

const json = { 'content-type': 'application/json' };
const response = (init: RequestInit, path = '/graphql') => fetch(`${app.url}${path}`, { method: 'POST', ...init });
const post = (body: unknown, headers: Record<string, string> = {}) =>
  response({ headers: { ...json, ...headers }, body: JSON.stringify(body) });
const get = (parameters: Record<string, string>, headers: Record<string, string> = {}) =>
  fetch(`${app.url}/graphql?${new URLSearchParams(parameters)}`, { headers });
const codesIn = async (answer: Response) => {
  const { errors = [] } = (await answer.json()) as { errors?: { extensions: { code: string } }[] };
  return errors.map(({ extensions }) => extensions.code);
};

describe('GraphQL over HTTP', () => {
  test('passes every audit of graphql-http', async () => {
    const audits = await auditServer({ url: `${app.url}/graphql` });
    expect(audits.filter(({ status }) => status !== 'ok').map(({ id, name }) => `${id} ${name}`)).toEqual([]);
    expect(audits).toHaveLength(61);
  });

  test.each([
    ['a form', { 'content-type': 'application/x-www-form-urlencoded' }, 'query={__typename}'],
    ['plain text', { 'content-type': 'text/plain' }, '{"query":"{ __typename }"}'],
    ['a document alone', { 'content-type': 'application/graphql' }, '{ __typename }'],
    ['JSON of a special kind', { 'content-type': 'application/graphql+json' }, '{"query":"{ __typename }"}'],
    ['JSON under another name', { 'content-type': 'text/plain;application/json' }, '{"query":"{ __typename }"}'],
    ['no type', { 'content-type': '' }, '{"query":"{ __typename }"}'],
  ])('takes JSON alone: %s is 415', async (_what, headers, body) => {
    expect((await response({ headers, body })).status).toBe(415);
  });

  test('takes no multipart: 415', async () => {
    const body = new FormData();
    body.set('operations', '{"query":"{ __typename }"}');
    body.set('map', '{}');
    expect((await response({ body })).status).toBe(415);
  });

  test('takes one operation at a time', async () => {
    const answer = await post([{ query: '{ __typename }' }, { query: '{ __typename }' }]);
    expect([answer.status, await codesIn(answer)]).toEqual([400, ['BAD_USER_INPUT']]);
  });

  test('answers queries by GET', async () => {
    const answer = await get({
      query: 'query Q($is: Boolean!) { __typename @include(if: $is) }',
      variables: '{"is":true}',
    });
    expect(await answer.json()).toEqual({ data: { __typename: 'Query' } });
  });

  test('changes nothing by GET: 405', async () => {
    const answer = await get({ query: 'mutation { logout { __typename } }' });
    expect([answer.status, answer.headers.get('allow'), await codesIn(answer)]).toEqual([
      405,
      'POST',
      ['BAD_USER_INPUT'],
    ]);
  });

  test('refuses broken JSON in a query string: 400, and repeats none of it', async () => {
    const answer = await get({ query: '{ __typename }', variables: '{"password":"hunter2"' });
    const body = await answer.text();
    expect([answer.status, body]).toEqual([400, expect.not.stringContaining('hunter2')]);
  });

  test.each(['PUT', 'DELETE', 'PATCH'])('does not know %s: 405', async (method) => {
    expect((await fetch(`${app.url}/graphql`, { method })).status).toBe(405);
  });
});

describe('the usual POST, which does not go through Yoga,', () => {
  const query = 'query Q($is: Boolean!) { __typename @include(if: $is) }';
  const answerOf = async (answer: Response) => [
    answer.status,
    answer.headers.get('content-type'),
    answer.headers.get('cache-control'),
    await answer.text(),
  ];

  test.each([
    '*/*',
    'application/json',
    'application/graphql-response+json',
    'application/graphql-response+json,application/json;q=0.9',
    'application/graphql-response+json, application/json',
    'application/json; charset=utf-8',
    'image/png',
  ])('is answered as a GET, which does: %s', async (accept) => {
    const plain = await answerOf(await post({ query, variables: { is: true } }, { accept }));
    expect(plain).toEqual(await answerOf(await get({ query, variables: '{"is":true}' }, { accept })));
  });

  test('is answered as a GET, which does: what went wrong with it', async () => {
    const accept = 'application/json';
    for (const query of ['{', '{ nothing }', 'query($id: ID!) { node(id: $id) { id } }', '{ viewer { id } }']) {
      expect(await answerOf(await post({ query }, { accept }))).toEqual(
        await answerOf(await get({ query }, { accept })),
      );
    }
  });

  test.each([
    ['a parameter that is none', { query: '{ __typename }', colour: 'red' }],
    ['variables in a list', { query: '{ __typename }', variables: [] }],
    ['extensions that are text', { query: '{ __typename }', extensions: 'x' }],
    ['a query that is a number', { query: 1 }],
    ['nothing', null],
  ])('wants its parameters and nothing else: %s is 400', async (_what, body) => {
    const answer = await post(body);
    expect([answer.status, await codesIn(answer)]).toEqual([400, ['BAD_USER_INPUT']]);
  });
});

describe('a body', () => {
  const large = JSON.stringify({ query: '{ __typename }', variables: { padding: 'x'.repeat(1_000_000) } });

  test('of more than a megabyte is 413', async () => {
    expect((await response({ headers: json, body: large })).status).toBe(413);
  });

  test('of more than a megabyte is 413 when it does not say its length', async () => {
    const body = new Blob([large]).stream();
    expect((await response({ headers: json, body, duplex: 'half' } as RequestInit)).status).toBe(413);
  });

  test('that never ends is cut off', async () => {
    const socket = await rawConnection(app.url);
    const head =
      'POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n';
    const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
    socket.write(head);
    let answer = '';
    socket.on('data', (data) => {
      answer += data;
    });
    const push = () => {
      while (!socket.destroyed && socket.write(chunk));
    };
    socket.on('drain', push);
    push();
    await new Promise((resolve) => socket.once('close', resolve));
    expect(answer).toContain(' 413 ');
  });

  test('of almost a megabyte is read', async () => {
    const answer = await post({ query: '{ __typename }', variables: { padding: 'x'.repeat(900_000) } });
    expect(answer.status).toBe(200);
  });

  test('that lies about its length is 400', async () => {
    const request =
      'POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: nonsense\r\n\r\n{}';
    expect(await exchange(app.url, request)).toContain(' 400 ');
  });
});

describe('credentials that are not good', () => {
  const headers = { authorization: 'Bearer nonsense' };

  test.each(['application/json', 'application/graphql-response+json', '*/*'])(
    'refuse the request whole for %s: 401',
    async (accept) => {
      const answer = await post({ query: '{ plans: __typename }' }, { ...headers, accept });
      expect(answer.status).toBe(401);
      expect(answer.headers.get('content-type')).toContain(accept === '*/*' ? 'application/json' : accept);
      expect(answer.headers.get('www-authenticate')).toBe('Bearer');
      expect(await answer.json()).toEqual({
        errors: [{ message: expect.any(String), extensions: { code: 'UNAUTHENTICATED' } }],
      });
    },
  );

  test('matter more than what is wrong with the document', async () => {
    expect((await post({ query: '{' }, headers)).status).toBe(401);
  });
});
