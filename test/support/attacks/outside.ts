import { randomUUID } from 'node:crypto';
import type dns from 'node:dns';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createSafeHttp, DestinationRefused } from '../../../src/platform/safe-http.ts';
import { anEvent, deliver, signed } from '../stripe-server.ts';
import { type Arena, type Attack, echo, kinds, uuidOf } from './arena.ts';

const createEndpoint =
  'mutation ($input: CreateWebhookEndpointInput!) { createWebhookEndpoint(input: $input) { ... on Error { code } } }';

/** A server on an address, and how often it was asked. */
async function listening(host: string, listener: RequestListener): Promise<{ port: number; server: Server }> {
  const server = createServer(listener);
  server.listen(0, host);
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, server };
}

async function withInternalServer<T>(work: (port: number, asked: () => number) => Promise<T>): Promise<T> {
  let asked = 0;
  const { port, server } = await listening('127.0.0.1', (_request, response) => {
    asked += 1;
    response.end(echo);
  });
  try {
    return await work(port, () => asked);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

const endpointFor = ({ ask, mallory }: Arena, url: string) =>
  ask(createEndpoint, {
    as: mallory,
    variables: { input: { organizationId: mallory.organizationId, url, eventTypes: ['member.joined'] } },
  });

/** Every other way to write 127.0.0.1, and addresses that only a server inside can reach. */
const inside = (port: number) =>
  [
    '127.0.0.1',
    'localhost',
    '2130706433',
    '0x7f000001',
    '0177.0.0.1',
    '127.1',
    '0.0.0.0',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '[64:ff9b::7f00:1]',
    '[2002:7f00:1::]',
    '①②⑦.0.0.1',
    '169.254.169.254',
    '10.0.0.1',
    '[fd12:3456::1]',
    'user:x@127.0.0.1',
  ].flatMap((host) => [`http://${host}:${port}/`, `https://${host}:${port}/`]);

export const outsideAttacks: readonly Attack[] = [
  {
    category: 'API7 server side request forgery',
    name: 'a webhook to an address inside, in every way to write one',
    safe: [['200 VALIDATION_FAILED'], 0],
    run: (arena) =>
      withInternalServer(async (port, asked) => {
        const urls = [
          ...inside(port),
          'file:///etc/passwd',
          'gopher://127.0.0.1/',
          `ftp://127.0.0.1:${port}/`,
          'data:,x',
        ];
        return [kinds(await Promise.all(urls.map((url) => endpointFor(arena, url)))), asked()];
      }),
  },
  {
    category: 'API7 server side request forgery',
    name: 'a webhook to a good server that redirects inside',
    safe: ['200 ok', true, 0],
    writes: [
      'webhook_endpoints',
      'webhook_events',
      'audit_entries',
      'audit_heads',
      'notifications',
      'notification_feeds',
    ],
    run: (arena) =>
      withInternalServer(async (port, asked) => {
        const { promise, resolve } = Promise.withResolvers<boolean>();
        const outer = await listening('127.0.0.2', (_request, response) => {
          response.writeHead(307, { location: `http://127.0.0.1:${port}/` }).end();
          response.once('close', () => resolve(true));
        });
        const made = await endpointFor(arena, `http://127.0.0.2:${outer.port}/`);
        const wasAsked = await promise;
        outer.server.close();
        outer.server.closeAllConnections();
        return [made, wasAsked, asked()];
      }),
  },
  {
    category: 'API7 server side request forgery',
    name: 'a name that is good when it is saved and leads inside when it is called',
    safe: ['saved', 'DestinationRefused', 0],
    run: () =>
      withInternalServer(async (port, asked) => {
        const answers = ['93.184.215.14', '127.0.0.1'];
        const lookup = ((_host: string, _options: unknown, callback: (error: null, found: object[]) => void) =>
          callback(null, [{ address: answers.shift() ?? '127.0.0.1', family: 4 }])) as unknown as typeof dns.lookup;
        const http = createSafeHttp([], lookup);
        const url = `https://hooks.example.com:${port}/`;
        await http.requireAllowed(url);
        const post = { url, headers: {}, body: '{}', timeoutMs: 3_000, signal: new AbortController().signal };
        const outcome = await http.post(post).then(
          () => 'sent',
          (error: unknown) => (error instanceof DestinationRefused ? 'DestinationRefused' : String(error)),
        );
        await http.close();
        return ['saved', outcome, asked()];
      }),
  },
  {
    category: 'API10 consumption of other APIs',
    name: 'an event of Stripe that is forged, old, changed, unsigned or of live mode',
    safe: [400, 400, 400, 400, 400],
    async run({ app }) {
      const payload = anEvent('customer.subscription.deleted', {
        id: 'sub_x',
        object: 'subscription',
        customer: 'cus_x',
      });
      return [
        await deliver(app, signed(payload, { secret: 'whsec_of_an_attacker' })),
        await deliver(app, signed(payload, { atMs: Date.now() - 301_000 })),
        await deliver(app, { ...signed(payload), payload: payload.replace('cus_x', 'cus_y') }),
        await deliver(app, { payload, signature: '' }),
        await deliver(app, anEvent('customer.subscription.deleted', { id: 'sub_x' }, { livemode: true })),
      ];
    },
  },
  {
    category: 'API6 sensitive business flows',
    name: 'one idempotency key twenty times at once, and then for another request',
    safe: [['200 OrganizationCreated'], 1, '409 CONFLICT'],
    writes: [
      'organizations',
      'memberships',
      'quota_limits',
      'storage_usages',
      'idempotent_requests',
      'audit_entries',
      'audit_heads',
    ],
    async run({ app, ask, mallory }) {
      const headers = { 'idempotency-key': randomUUID() };
      const create = (name: string) =>
        ask(`mutation { createOrganization(input: { name: "${name}" }) { __typename } }`, { as: mallory, headers });
      const answers = await Promise.all(Array.from({ length: 20 }, () => create('Race of keys')));
      const count = await app.platform.db.organization.count({ where: { name: 'Race of keys' } });
      return [kinds(answers), count, await create('Another')];
    },
  },
  {
    category: 'API6 sensitive business flows',
    name: 'more webhook endpoints at once than the plan has',
    safe: 5,
    writes: ['webhook_endpoints', 'webhook_events', 'audit_entries', 'audit_heads'],
    async run(arena) {
      await Promise.all(Array.from({ length: 12 }, () => endpointFor(arena, 'http://127.0.0.2:9/')));
      const organizationId = uuidOf(arena.mallory.organizationId);
      return arena.app.platform.db.webhookEndpoint.count({ where: { organizationId } });
    },
  },
  {
    category: 'API6 sensitive business flows',
    name: 'a checkout whose way back leads to a foreign page',
    safe: ['200 BAD_USER_INPUT', '200 NOT_FOUND'],
    run: async ({ ask, mallory, organizationId }) => {
      const form = (id: string, url: string) =>
        `input: { organizationId: "${id}", planId: "team", successUrl: "${url}", cancelUrl: "${url}" }`;
      const urls = [
        'https://evil.example/',
        'javascript:alert(1)',
        '//evil.example',
        'http://localhost:3000@evil.example/',
      ];
      const answers = urls.map((url) =>
        ask(`mutation { createCheckoutSession(${form(mallory.organizationId, url)}) { ... on Error { code } } }`, {
          as: mallory,
        }),
      );
      return kinds([
        ...(await Promise.all(answers)),
        await ask(
          `mutation { createCheckoutSession(${form(organizationId, urls[0] ?? '')}) { ... on Error { code } } }`,
          { as: mallory },
        ),
      ]);
    },
  },
];
