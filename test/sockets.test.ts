import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { type HttpServer, startHttpServer } from '../src/edge/http.ts';
import { connected, openSocket, type TestSocket } from './support/raw-socket.ts';
import { hurry } from './support/timers.ts';
import { makeTrial } from './support/trial-schema.ts';
import { aMemberOf, aPerson, type Person, signIn, useApp } from './support/world.ts';

const app = useApp();
const trial = makeTrial();
let server: HttpServer;
let ada: Person;

beforeAll(async () => {
  server = await startHttpServer(app.platform, trial.schema);
  ada = await aPerson(app);
});
afterAll(() => server.close());
let relax = () => {};
afterEach(() => relax());

const authorized = (person: Person) => ({ authorization: `Bearer ${person.accessToken}` });
const subscribe = (id: string, query: string, variables?: Record<string, unknown>) => ({
  id,
  type: 'subscribe',
  payload: { query, ...(variables && { variables }) },
});
const ask = async (client: TestSocket, query: string, variables?: Record<string, unknown>) => {
  client.send(subscribe('q', query, variables));
  const answer = await client.next();
  if (answer.type === 'next') expect(await client.next()).toEqual({ id: 'q', type: 'complete' });
  return answer;
};
const codesOf = (payload: unknown) =>
  (payload as { extensions: { code: string } }[]).map(({ extensions }) => extensions.code);

describe('a socket', () => {
  test('runs queries for nobody and for a person', async () => {
    const nobody = await connected(server.url);
    expect((await ask(nobody, '{ actor }')).payload).toEqual({ data: { actor: 'anonymous' } });
    const hers = await connected(server.url, authorized(ada));
    expect((await ask(hers, '{ actor }')).payload).not.toEqual({ data: { actor: 'anonymous' } });
  });

  test.each(['x-organization-id', 'X-Organization-Id', 'organizationId'])(
    'F06 acts in the organization that its parameter %s names, else in the oldest membership',
    async (parameter) => {
      const host = await aPerson(app);
      const guest = await aMemberOf(app, host);
      const { data } = await guest.send<{ createOrganization: { organization: { id: string } } }, object>(
        'mutation { createOrganization(input: { name: "Second" }) { ... on OrganizationCreated { organization { id } } } }',
      );
      const second = data.createOrganization.organization.id;
      const active = async (parameters: object) => {
        const client = await connected(app.url, { ...authorized(guest), ...parameters });
        return (await ask(client, '{ viewer { activeOrganization { id } } }')).payload;
      };
      const acting = (id: string) => ({ data: { viewer: { activeOrganization: { id } } } });
      expect(await active({ [parameter]: second })).toEqual(acting(second));
      expect(await active({})).toEqual(acting(host.organizationId));
    },
  );

  test('answers a ping', async () => {
    const client = await connected(server.url);
    client.send({ type: 'ping', payload: { n: 1 } });
    expect(await client.next()).toEqual({ type: 'pong', payload: { n: 1 } });
  });

  test.each([
    ['that cannot be parsed', '{ actor', 'GRAPHQL_PARSE_FAILED'],
    ['that does not fit the schema', '{ nothing }', 'GRAPHQL_VALIDATION_FAILED'],
    ['with wrong variables', 'query ($input: Secret) { secret(input: $input) }', 'BAD_USER_INPUT'],
    [
      'that is too deep',
      `{ __type(name: "Query") ${'{ ofType '.repeat(20)} { name } ${'}'.repeat(20)} }`,
      'OPERATION_TOO_COMPLEX',
    ],
  ])('answers an operation %s and lives on', async (_what, query, code) => {
    const client = await connected(server.url);
    const answer = await ask(client, query, { input: {} });
    const errors = answer.type === 'error' ? answer.payload : (answer.payload as { errors: unknown }).errors;
    expect(codesOf(errors)).toEqual([code]);
    expect((await ask(client, '{ actor }')).type).toBe('next');
  });

  test('judges the caller anew for each operation, and is closed (4401) once the session is over', async () => {
    const grace = await aPerson(app, { name: 'Grace' });
    const client = await connected(server.url, authorized(grace));
    expect((await ask(client, '{ actor }')).type).toBe('next');
    await grace.send('mutation { logout { __typename } }');
    client.send(subscribe('q', '{ actor }'));
    expect(await client.closed).toEqual({ code: 4401, reason: 'Unauthorized' });
  });

  test('is closed (4401) when its access token expires, though nothing happens on it', async () => {
    let laterMs = 0;
    const now = () => new Date(Date.now() + laterMs);
    const aging = await startHttpServer({ ...app.platform, now }, trial.schema);
    const client = await connected(aging.url, authorized(ada));
    laterMs = 301_000;
    expect((await client.closed).code).toBe(4401);
    await aging.close();
  });

  test('F16 is closed (4401) once its session is over, though nothing happens on it; others stay', async () => {
    const grace = await aPerson(app, { name: 'Grace' });
    const phone = await signIn(app, grace);
    const [hers, onPhone] = [
      await connected(server.url, authorized(grace)),
      await connected(server.url, authorized(phone)),
    ];
    await phone.send('mutation { logout { __typename } }');
    expect(await onPhone.closed).toEqual({ code: 4401, reason: 'Unauthorized' });
    expect((await ask(hers, '{ actor }')).type).toBe('next');
  });

  test('is closed (4403) once its person has left the organization that its parameters name', async () => {
    const member = await aMemberOf(app, ada);
    const client = await connected(server.url, { ...authorized(member), 'x-organization-id': ada.organizationId });
    const elsewhere = await connected(server.url, authorized(member));
    await app.platform.db.membership.deleteMany({ where: { user: { email: member.email } } });
    expect(await client.closed).toEqual({ code: 4403, reason: 'Forbidden' });
    expect((await ask(elsewhere, '{ actor }')).type).toBe('next');
  });

  test('runs at most fifty operations at a time', async () => {
    const client = await connected(server.url);
    for (let n = 1; n <= 51; n += 1) client.send(subscribe(`n${n}`, 'subscription { actor }'));
    const refused = await client.next();
    expect([refused.type, refused.id, codesOf(refused.payload)]).toEqual(['error', 'n51', ['RATE_LIMITED']]);
    client.socket.terminate();
    await vi.waitFor(() => expect(trial.subscribers).toBe(0), 10_000);
  });

  test('is ended when its peer answers no ping', async () => {
    relax = hurry((ms) => ms === 15_000);
    const client = await openSocket(server.url, { autoPong: false });
    expect((await client.closed).code).toBe(1006);
  });
});

describe('the protocol', () => {
  test('4400 for a message that is none', async () => {
    const client = await openSocket(server.url);
    client.send('{');
    expect((await client.closed).code).toBe(4400);
  });

  test('4400 for a message that only servers send', async () => {
    const client = await connected(server.url);
    client.send({ type: 'next', id: 'x', payload: {} });
    expect((await client.closed).code).toBe(4400);
  });

  test('4401 for an operation before the acknowledgement', async () => {
    const client = await openSocket(server.url);
    client.send(subscribe('x', '{ actor }'));
    expect((await client.closed).code).toBe(4401);
  });

  test('4401 for credentials that are not good', async () => {
    const client = await openSocket(server.url);
    client.send({ type: 'connection_init', payload: { authorization: 'Bearer nonsense' } });
    expect(await client.closed).toEqual({ code: 4401, reason: 'Unauthorized' });
  });

  test('4403 for an organization of others', async () => {
    const grace = await aPerson(app, { name: 'Grace' });
    const client = await openSocket(server.url);
    client.send({ type: 'connection_init', payload: { ...authorized(ada), organizationId: grace.organizationId } });
    expect(await client.closed).toEqual({ code: 4403, reason: 'Forbidden' });
  });

  test('4406 for no subprotocol', async () => {
    const client = await openSocket(server.url, { subprotocol: null });
    expect((await client.closed).code).toBe(4406);
  });

  test('no connection for a foreign subprotocol', async () => {
    await expect(openSocket(server.url, { subprotocol: 'graphql-ws' })).rejects.toThrow('subprotocol');
  });

  test('4408 for a client that does not begin', async () => {
    relax = hurry((ms) => ms === 10_000);
    const client = await openSocket(server.url);
    expect((await client.closed).code).toBe(4408);
  });

  test('4409 for an id that is in use', async () => {
    const client = await connected(server.url);
    client.send(subscribe('x', 'subscription { actor }'));
    client.send(subscribe('x', 'subscription { actor }'));
    expect((await client.closed).code).toBe(4409);
  });

  test('4429 for beginning twice', async () => {
    const client = await connected(server.url);
    client.send({ type: 'connection_init' });
    expect((await client.closed).code).toBe(4429);
  });

  test.each([
    ['4500 for a mistake of ours', new Error('broken'), 4500],
    ['1013 while the database is away', Object.assign(new Error('away'), { code: 'ECONNREFUSED' }), 1013],
  ])('%s', async (_, failure, code) => {
    const read = vi.spyOn(app.platform, 'read').mockRejectedValue(failure);
    const client = await openSocket(server.url);
    client.send({ type: 'connection_init', payload: authorized(ada) });
    expect((await client.closed).code).toBe(code);
    read.mockRestore();
  });

  test('1009 for a message of more than 256 KiB', async () => {
    const client = await connected(server.url);
    client.send({ type: 'ping', payload: { padding: 'x'.repeat(256 * 1024) } });
    expect((await client.closed).code).toBe(1009);
  });
});

describe('the upgrade', () => {
  test.each([
    ['the app', 'http://localhost:3000'],
    ['the server itself', () => server.url],
    ['no browser', undefined],
  ])('is open to a page of %s', async (_whose, origin) => {
    const client = await connected(server.url, {}, { origin: typeof origin === 'function' ? origin() : origin });
    expect(client.protocol).toBe('graphql-transport-ws');
  });

  test.each(['http://evil.example', 'null', 'http://localhost:3000.evil.example'])(
    'is closed to a page of %s',
    async (origin) => {
      await expect(openSocket(server.url, { origin })).rejects.toThrow('403');
    },
  );

  test('is for /graphql alone, and closed elsewhere', async () => {
    await expect(openSocket(`${server.url}/elsewhere`)).rejects.toThrow('404');
  });

  test('carries a request id', async () => {
    const client = await openSocket(server.url, { headers: { 'x-request-id': 'a-request-of-mine' } });
    expect(client.headers['x-request-id']).toBe('a-request-of-mine');
  });
});
