import { connected, openSocket } from '../raw-socket.ts';
import { hurry } from '../timers.ts';
import { type Attack, codesOf, echo } from './arena.ts';

const category = 'API8 misconfiguration';
const authorized = ({ accessToken }: { accessToken: string }) => ({ authorization: `Bearer ${accessToken}` });
const refused = (reason: unknown) => /\b(4\d\d|subprotocol)/.exec(String(reason))?.[1] ?? String(reason);

export const socketAttacks: readonly Attack[] = [
  {
    category,
    name: 'a socket opened by a page of another origin, though the victim’s cookies come along',
    safe: ['403', '403', '403'],
    run: ({ app }) =>
      Promise.all(
        ['http://evil.example', 'null', 'http://localhost:3000.evil.example'].map((origin) =>
          openSocket(app.url, { origin, headers: { cookie: '__Host-refresh=x' } }).then(() => 'open', refused),
        ),
      ),
  },
  {
    category,
    name: 'a socket of another protocol, of none, and elsewhere',
    safe: ['subprotocol', 4406, '404'],
    async run({ app }) {
      const none = await openSocket(app.url, { subprotocol: null });
      return [
        await openSocket(app.url, { subprotocol: 'graphql-ws' }).then(() => 'open', refused),
        (await none.closed).code,
        await openSocket(`${app.url}/uploads`).then(() => 'open', refused),
      ];
    },
  },
  {
    category: 'API4 resource consumption',
    name: 'a socket that never begins',
    safe: 4408,
    async run({ app }) {
      const relax = hurry((ms) => ms === 10_000);
      const { code } = await (await openSocket(app.url)).closed;
      relax();
      return code;
    },
  },
  {
    category: 'API2 authentication',
    name: 'a socket that begins twice, to become another; operates before it has begun; or has a bad token',
    safe: [4429, 4401, 4401],
    async run({ app, mallory, owner }) {
      const twice = await connected(app.url, authorized(mallory));
      twice.send({ type: 'connection_init', payload: authorized(owner) });
      const early = await openSocket(app.url);
      early.send({ id: 'x', type: 'subscribe', payload: { query: '{ viewer { id } }' } });
      const bad = await openSocket(app.url);
      bad.send({ type: 'connection_init', payload: { authorization: `Bearer ${echo}` } });
      return (await Promise.all([twice.closed, early.closed, bad.closed])).map(({ code }) => code);
    },
  },
  {
    category: 'API4 resource consumption',
    name: 'sixty subscriptions on one socket, and two under one id',
    safe: ['error', ['RATE_LIMITED'], 4409],
    async run({ app, mallory }) {
      const query = 'subscription { notifications { cursor } }';
      const flood = await connected(app.url, authorized(mallory));
      for (let n = 1; n <= 51; n += 1) flood.send({ id: `n${n}`, type: 'subscribe', payload: { query } });
      const { type, payload } = await flood.next();
      const twin = await connected(app.url, authorized(mallory));
      for (let n = 0; n < 2; n += 1) twin.send({ id: 'x', type: 'subscribe', payload: { query } });
      const { code } = await twin.closed;
      flood.socket.terminate();
      return [type, codesOf(payload), code];
    },
  },
  {
    category: 'API4 resource consumption',
    name: 'a frame of a megabyte, a thousand frames at once, and frames that are no messages',
    safe: [1009, 4429, 4400, 4400],
    async run({ app }) {
      const [huge, many, garbage, list] = await Promise.all([1, 2, 3, 4].map(() => connected(app.url)));
      huge?.send({ type: 'ping', payload: { padding: 'x'.repeat(1024 * 1024) } });
      for (let n = 0; n < 1_100; n += 1) many?.send({ type: 'ping' });
      garbage?.send(`{"type":"${echo}"`);
      list?.send('[[[[]]]]');
      return Promise.all([huge, many, garbage, list].map(async (client) => (await client?.closed)?.code));
    },
  },
  {
    category: 'API1 object level authorization',
    name: 'a socket that names the victim’s organization',
    safe: [4403],
    async run({ app, mallory, organizationId }) {
      const client = await openSocket(app.url);
      client.send({ type: 'connection_init', payload: { ...authorized(mallory), organizationId } });
      return [(await client.closed).code];
    },
  },
  {
    category: 'GraphQL batching',
    name: 'passwords and depth over a socket, where the body’s limits do not reach',
    safe: [['OPERATION_TOO_COMPLEX'], ['OPERATION_TOO_COMPLEX']],
    async run({ app }) {
      const client = await connected(app.url);
      const login = 'login(input: { email: "a@example.com", password: "x" }) { __typename }';
      const queries = [
        `mutation { a: ${login} b: ${login} }`,
        `{ viewer ${'{ user '.repeat(20)} { id } ${'}'.repeat(20)} }`,
      ];
      const codes = [];
      for (const [at, query] of queries.entries()) {
        client.send({ id: `q${at}`, type: 'subscribe', payload: { query } });
        const { payload } = await client.next();
        codes.push(codesOf(payload));
      }
      client.socket.terminate();
      return codes;
    },
  },
];
