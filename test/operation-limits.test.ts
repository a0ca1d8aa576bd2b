import { getIntrospectionQuery } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type HttpServer, startHttpServer } from '../src/edge/http.ts';
import { schema } from '../src/graphql/schema.ts';
import { connected } from './support/raw-socket.ts';
import { hurry } from './support/timers.ts';
import { makeTrial } from './support/trial-schema.ts';
import { callerWith, useApp } from './support/world.ts';

const app = useApp();
let closed: HttpServer;

beforeAll(async () => {
  const config = { ...app.platform.config, introspection: false, graphiql: false };
  closed = await startHttpServer({ ...app.platform, config }, schema);
});
afterAll(() => closed.close());

const nested = (levels: number) => `{ viewer ${'{ user '.repeat(levels)} { id } ${'}'.repeat(levels)} }`;
const repeat = (count: number, part: (n: number) => string) =>
  Array.from({ length: count }, (_, n) => part(n)).join(' ');
/** One level of pages within pages. */
const page = (inner: string, size = 'first: 100') =>
  `memberships(${size}) { edges { node { organization { members(${size}) { edges { node ${inner} } } } } } }`;

const variables = { size: 100, ids: Array.from({ length: 100 }, () => 'org_x') };
const tooBig: [what: string, query: string, limit: string][] = [
  ['has too many tokens', `{ ${repeat(251, () => 'viewer { id }')} }`, 'tokens'],
  ['is too broad', `{ ${repeat(101, () => '__typename')} }`, 'side by side'],
  ['is too deep', nested(12), 'levels'],
  ['is too deep inside fragments', `query { ...A } fragment A on Query ${nested(12)}`, 'levels'],
  ['has too many aliases', `{ ${repeat(16, (n) => `a${n}: viewer { id }`)} }`, 'aliases'],
  [
    'repeats a fragment with aliases',
    `{ ...A ...A } fragment A on Query { ${repeat(8, (n) => `a${n}: viewer { id }`)} }`,
    'aliases',
  ],
  ['has too many directives', `{ __typename ${repeat(11, () => '@include(if: true)')} }`, 'directives'],
  ['asks for pages within pages', `{ viewer { ${page('{ id }')} } }`, 'fields'],
  ['asks for them by variables', `query ($size: Int) { viewer { ${page('{ id }', 'first: $size')} } }`, 'fields'],
  [
    'asks for them by the default of a variable',
    `query ($other: Int = 100) { viewer { ${page('{ id }', 'last: $other')} } }`,
    'fields',
  ],
  ['asks for them in a fragment', `{ viewer { ...A } } fragment A on Viewer { ${page('{ id }')} }`, 'fields'],
  [
    'asks for pages of many nodes',
    `query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Organization { members(first: 100) { edges { cursor } } } } }`,
    'fields',
  ],
];

async function overSocket(url: string, query: string) {
  const client = await connected(url);
  client.send({ id: 'q', type: 'subscribe', payload: { query, variables } });
  const { payload } = await client.next();
  client.socket.terminate();
  const errors = Array.isArray(payload)
    ? payload
    : ((payload as { errors?: { extensions: { code: string }; message: string }[] }).errors ?? []);
  return { codes: errors.map(({ extensions }) => extensions.code as string), text: JSON.stringify(payload) };
}

describe.each(tooBig)('an operation that %s', (_what, query, limit) => {
  test('does not run over HTTP', async () => {
    const answer = await callerWith(app).send(query, variables, { accept: 'application/graphql-response+json' });
    expect([answer.status, answer.codes, answer.data]).toEqual([400, ['OPERATION_TOO_COMPLEX'], undefined]);
    expect(answer.errors[0]?.message).toContain(limit);
  });

  test('does not run over a socket', async () => {
    expect((await overSocket(app.url, query)).codes).toEqual(['OPERATION_TOO_COMPLEX']);
  });
});

describe('what could be guessed stands in a document once', () => {
  const login = 'login(input: { email: "ada@example.com", password: "x" }) { __typename }';
  test.each([
    ['under aliases', `mutation { a: ${login} b: ${login} }`],
    [
      'by fragments',
      `mutation { ...A ...B } fragment A on Mutation { a: ${login} } fragment B on Mutation { b: ${login} }`,
    ],
    [
      'for those who are signed in',
      'mutation { a: disableTotp(input: { code: "1" }) { __typename } b: disableTotp(input: { code: "2" }) { __typename } }',
    ],
  ])('%s', async (_how, query) => {
    const answer = await callerWith(app).send(query);
    expect([answer.codes, answer.data]).toEqual([['OPERATION_TOO_COMPLEX'], undefined]);
    expect((await overSocket(app.url, query)).codes).toEqual(['OPERATION_TOO_COMPLEX']);
  });

  test('different ones go together, and what guesses nothing repeats', async () => {
    const logout = 'logout { __typename }';
    const query = `mutation { a: ${logout} b: ${logout} ${login} }`;
    expect((await callerWith(app).send(query)).codes).not.toContain('OPERATION_TOO_COMPLEX');
  });
});

describe('extensions.cost', () => {
  const ask = async (query: string, extensions?: object) => {
    const response = await fetch(`${app.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query, extensions }),
    });
    return (await response.json()) as { extensions?: unknown; errors?: { extensions: unknown }[] };
  };

  test('is told to those who ask for it', async () => {
    const query = '{ viewer { memberships(first: 10) { edges { node { id } } } } }';
    expect((await ask(query, { cost: true })).extensions).toEqual({ cost: { requested: 32, maximum: 10_000 } });
    expect(await ask(query)).not.toHaveProperty('extensions');
    const client = await connected(app.url);
    client.send({ id: 'q', type: 'subscribe', payload: { query, extensions: { cost: true } } });
    expect((await client.next()).payload).toMatchObject({ extensions: { cost: { requested: 32 } } });
    client.socket.terminate();
  });

  test('is in the refusal of what costs too much', async () => {
    const { errors } = await ask(`{ viewer { ${page('{ id }')} } }`);
    expect(errors?.[0]?.extensions).toMatchObject({ cost: { requested: expect.any(Number), maximum: 10_000 } });
  });
});

describe('a query that takes more than 30 seconds', () => {
  test.each(['http', 'socket'])('ends with SERVICE_UNAVAILABLE over %s', async (transport) => {
    const trial = makeTrial();
    const slow = await startHttpServer(app.platform, trial.schema);
    const relax = hurry((ms) => ms === 30_000);
    const query = '{ wait }';
    const codes =
      transport === 'http'
        ? (await callerWith({ url: slow.url }).send(query)).codes
        : (await overSocket(slow.url, query)).codes;
    relax();
    expect(codes).toEqual(['SERVICE_UNAVAILABLE']);
    trial.open();
    await slow.close();
  });
});

test('a big page of a big form is within the limits', async () => {
  const query = `query ($size: Int!) {
    viewer {
      memberships(first: $size) { totalCount edges { cursor node { id role joinedAt organization { id name slug viewerRole } } } }
      activeOrganization {
        id name slug viewerRole
        members(first: $size) { totalCount pageInfo { hasNextPage endCursor } edges { cursor node { id role joinedAt user { id name email } } } }
      }
    }
  }`;
  expect((await callerWith(app).send(query, { size: 100 })).codes).toEqual([]);
});

describe('introspection', () => {
  const whole = getIntrospectionQuery({
    descriptions: true,
    specifiedByUrl: true,
    directiveIsRepeatable: true,
    schemaDescription: true,
    inputValueDeprecation: true,
    oneOf: true,
  });

  test('passes the limits whole', async () => {
    const { codes, data } = await callerWith(app).send<{ __schema: { types: unknown[] } }, object>(whole);
    expect(codes).toEqual([]);
    expect(data.__schema.types.length).toBeGreaterThan(20);
  });

  test('has a depth limit of its own', async () => {
    const circular = `{ __schema { types { ${'fields { type { '.repeat(4)} name ${'} }'.repeat(4)} } } }`;
    expect((await callerWith(app).send(circular)).codes).toEqual(['GRAPHQL_VALIDATION_FAILED']);
  });

  test.each(['{ __schema { types { name } } }', '{ __type(name: "User") { name } }'])(
    'can be switched off: %s',
    async (query) => {
      const answer = await callerWith({ ...app, url: closed.url }).send(query);
      expect(answer.codes.concat((await overSocket(closed.url, query)).codes)).toEqual(
        expect.arrayContaining(['GRAPHQL_VALIDATION_FAILED']),
      );
      expect(answer.data).toBeUndefined();
      expect((await overSocket(closed.url, query)).text).not.toContain('"data"');
    },
  );

  test('leaves __typename alone', async () => {
    expect((await callerWith({ ...app, url: closed.url }).send('{ __typename }')).data).toEqual({
      __typename: 'Query',
    });
  });

  test.each([
    ['a field', '{ viewr { id } }'],
    ['an argument', '{ node(idd: "x") { id } }'],
    ['a type', '{ node(id: "x") { ... on Usr { id } } }'],
    ['a variable of an enum', 'query ($role: Role) { viewer { id } }'],
  ])('when off takes the suggestions along: %s', async (_what, query) => {
    const strict = await callerWith({ ...app, url: closed.url }).send(query, { ...variables, role: 'OWNR' });
    expect(strict.codes).not.toEqual([]);
    expect(JSON.stringify(strict.errors) + (await overSocket(closed.url, query)).text).not.toMatch(/did you mean/i);
  });

  test('when on suggests', async () => {
    const { errors } = await callerWith(app).send('{ viewr { id } }');
    expect(errors[0]?.message).toContain('Did you mean "viewer"');
  });
});
