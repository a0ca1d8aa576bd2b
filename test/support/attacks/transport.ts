import { gzipSync } from 'node:zlib';
import { waitForMail } from '../mailbox.ts';
import { exchange } from '../raw-socket.ts';
import { hurry } from '../timers.ts';
import { type Attack, echo, kinds } from './arena.ts';

const typename = '{"query":"{ __typename }"}';
/** The status line that a raw request is answered with. */
const statusOf = async (url: string, head: string[], body = '') =>
  (await exchange(url, `${head.join('\r\n')}\r\n\r\n${body}`)).split('\r\n')[0]?.slice(9, 12) ?? '';
const logout = 'mutation { logout { __typename } }';

export const transportAttacks: readonly Attack[] = [
  {
    category: 'API8 misconfiguration',
    name: 'a mutation by GET, as an image or a link would send it',
    safe: '405 BAD_USER_INPUT',
    run: ({ request, app, owner }) =>
      request(`${app.url}/graphql?${new URLSearchParams({ query: logout })}`, {
        headers: { authorization: `Bearer ${owner.accessToken}` },
      }),
  },
  {
    category: 'API8 misconfiguration',
    name: 'a cross-site form: the content types that a browser sends without asking',
    safe: ['415 BAD_USER_INPUT'],
    run: async ({ post, owner }) =>
      kinds(
        await Promise.all(
          [
            'text/plain',
            'application/x-www-form-urlencoded',
            'multipart/form-data; boundary=x',
            'text/plain; application/json',
          ].map((type) =>
            post(JSON.stringify({ query: logout }), {
              'content-type': type,
              origin: 'http://evil.example',
              authorization: `Bearer ${owner.accessToken}`,
            }),
          ),
        ),
      ),
  },
  {
    category: 'API8 misconfiguration',
    name: 'a page of another origin reads an answer, or asks whether it may',
    safe: [0, 0, 0, 0],
    async run({ app }) {
      const origins = ['http://evil.example', 'null', 'http://localhost:3000.evil.example', 'https://localhost:3000'];
      const headersFor = async (origin: string) => {
        const asked = {
          origin,
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'authorization',
        };
        const answers = [
          await fetch(`${app.url}/graphql`, { method: 'OPTIONS', headers: asked }),
          await fetch(`${app.url}/graphql`, {
            method: 'POST',
            headers: { origin, 'content-type': 'application/json' },
            body: typename,
          }),
        ];
        return answers
          .flatMap(({ headers }) => [...headers.keys()])
          .filter((name) => name.startsWith('access-control-')).length;
      };
      return Promise.all(origins.map(headersFor));
    },
  },
  {
    category: 'API8 misconfiguration',
    name: 'a page of another origin asks for a session in a cookie',
    safe: ['200 FORBIDDEN', false],
    writes: ['attempt_counters'],
    async run({ post, heard, prey }) {
      const from = heard.length;
      const input = `{ email: "${prey.challenged.email}", password: "x", transport: COOKIE }`;
      const query = `mutation { login(input: ${input}) { __typename } }`;
      const answer = await post(JSON.stringify({ query }), { origin: 'http://evil.example' });
      return [answer, heard.slice(from).join().includes('set-cookie')];
    },
  },
  {
    category: 'API8 misconfiguration',
    name: 'a forged Host makes the link of a password reset',
    safe: ['200', false],
    writes: ['email_tokens', 'audit_entries', 'audit_heads'],
    async run({ app, prey: { challenged } }) {
      const query = `mutation { requestPasswordReset(input: { email: "${challenged.email}" }) { __typename } }`;
      const body = JSON.stringify({ query });
      const head = [
        'POST /graphql HTTP/1.1',
        'Host: evil.example',
        'X-Forwarded-Host: evil.example',
        'X-Original-URL: http://evil.example/',
        'Content-Type: application/json',
        `Content-Length: ${body.length}`,
        'Connection: close',
      ];
      const status = await statusOf(app.url, head, body);
      const mail = await waitForMail(app, { to: challenged.email, subject: 'password' });
      return [status, JSON.stringify(mail).includes('evil')];
    },
  },
  {
    category: 'API4 resource consumption',
    name: 'a body that comes a byte at a time and never ends',
    safe: '408',
    async run({ app }) {
      const relax = hurry((ms) => ms === 10_000);
      const head = ['POST /graphql HTTP/1.1', 'Host: x', 'Content-Type: application/json', 'Content-Length: 100'];
      const status = await statusOf(app.url, head, '{');
      relax();
      return status;
    },
  },
  {
    category: 'API4 resource consumption',
    name: 'a body of two megabytes, with and without its length told',
    safe: ['413 BAD_USER_INPUT', '413 BAD_USER_INPUT'],
    async run({ post, request, app }) {
      const body = JSON.stringify({ query: '{ __typename }', variables: { padding: echo.repeat(250_000) } });
      const stream = new Blob([body]).stream();
      const headers = { 'content-type': 'application/json' };
      return [
        await post(body),
        await request(`${app.url}/graphql`, { method: 'POST', headers, body: stream, duplex: 'half' } as RequestInit),
      ];
    },
  },
  {
    category: 'API4 resource consumption',
    name: 'a gigabyte of spaces in a small gzip',
    safe: ['400 BAD_USER_INPUT', true],
    async run({ post }) {
      const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024, ' '));
      const before = process.memoryUsage().rss;
      const answer = await post(bomb, { 'content-encoding': 'gzip' });
      return [answer, process.memoryUsage().rss - before < 32 * 1024 * 1024];
    },
  },
  {
    category: 'API4 resource consumption',
    name: 'headers of twenty kilobytes, and three thousand of them',
    safe: ['431', '431'],
    run: async ({ app }) => [
      await statusOf(app.url, ['GET /health/live HTTP/1.1', 'Host: x', `X-Padding: ${'x'.repeat(20_000)}`]),
      await statusOf(app.url, [
        'GET /health/live HTTP/1.1',
        'Host: x',
        ...Array.from({ length: 3_000 }, (_, n) => `X-${n}: x`),
      ]),
    ],
  },
  {
    category: 'API8 misconfiguration',
    name: 'a request smuggled behind another by two lengths',
    safe: ['400', '400', '400'],
    async run({ app }) {
      const smuggled = '0\r\n\r\nGET /health/live HTTP/1.1\r\nHost: x\r\n\r\n';
      const head = ['POST /graphql HTTP/1.1', 'Host: x', 'Content-Type: application/json'];
      const both = [...head, `Content-Length: ${smuggled.length}`, 'Transfer-Encoding: chunked'];
      return [
        await statusOf(app.url, both, smuggled),
        await statusOf(app.url, [...head, 'Content-Length: 2', 'Content-Length: 9'], '{}1234567'),
        await statusOf(app.url, [...head, 'Transfer-Encoding: xchunked'], smuggled),
      ];
    },
  },
  {
    category: 'API8 misconfiguration',
    name: 'methods that nobody serves',
    safe: ['404', '405'],
    async run({ app }) {
      const lines = ['TRACE /graphql', 'PUT /graphql', 'DELETE /files/x', 'PROPFIND /uploads/x', 'TRACE /nowhere'];
      return kinds(
        await Promise.all(lines.map((line) => statusOf(app.url, [`${line} HTTP/1.1`, 'Host: x', 'Connection: close']))),
      );
    },
  },
];
