import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type HttpServer, startHttpServer } from '../src/edge/http.ts';
import { schema } from '../src/graphql/schema.ts';
import { tokenIn, waitForMail } from './support/mailbox.ts';
import { exchange } from './support/raw-socket.ts';
import { hurry } from './support/timers.ts';
import { makeTrial } from './support/trial-schema.ts';
import { anAddress, callerWith, password, Register, useApp } from './support/world.ts';

const app = useApp();
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Begun first and read last, since it takes its ten seconds. */
let slowHeaders: Promise<string>;
beforeAll(() => {
  slowHeaders = exchange(app.url, 'POST /graphql HTTP/1.1\r\nHost: x\r\n');
});

describe('every answer', () => {
  test.each(['/graphql', '/health/live', '/nowhere', '/.well-known/jwks.json', '/dev/mailbox'])(
    'of %s has an id and safe headers',
    async (path) => {
      const { headers } = await fetch(app.url + path);
      expect(headers.get('x-request-id')).toMatch(uuid);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      expect(headers.get('content-security-policy')).toContain("default-src 'none'");
      expect(headers.get('x-powered-by')).toBeNull();
    },
  );

  test.each([
    ['a-request-of-mine', true],
    ['short', false],
    ['x'.repeat(65), false],
    ['has spaces in it', false],
    ['"}injected', false],
  ])('has the client’s id when that is harmless: %s', async (given, isTaken) => {
    const id = (await fetch(`${app.url}/health/live`, { headers: { 'x-request-id': given } })).headers.get(
      'x-request-id',
    );
    expect(id).toEqual(isTaken ? given : expect.stringMatching(uuid));
  });

  test('to an unknown path is a problem document', async () => {
    const answer = await fetch(`${app.url}/nowhere`);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([
      404,
      'application/problem+json; charset=utf-8',
    ]);
    expect(await answer.json()).toEqual({ type: 'about:blank', title: 'Not Found', status: 404 });
  });

  test('to a wrong method says the right ones', async () => {
    const answer = await fetch(`${app.url}/health/live`, { method: 'POST' });
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  });
});

describe('routes', () => {
  test('health says that the program lives and can serve', async () => {
    const [live, ready] = await Promise.all(['live', 'ready'].map((path) => fetch(`${app.url}/health/${path}`)));
    expect([live?.status, await live?.json()]).toEqual([200, { status: 'live' }]);
    expect([ready?.status, await ready?.json()]).toEqual([200, { status: 'ready', database: 'up' }]);
  });

  test('the signing keys are public, and nothing but public', async () => {
    const answer = await fetch(`${app.url}/.well-known/jwks.json`);
    const { keys } = (await answer.json()) as { keys: object[] };
    expect(answer.headers.get('cache-control')).toBe('public, max-age=300');
    expect(keys.map((key) => Object.keys(key).sort())).toEqual([['alg', 'crv', 'kid', 'kty', 'use', 'x']]);
  });

  test('the root leads to GraphiQL', async () => {
    const answer = await fetch(app.url, { redirect: 'manual' });
    expect([answer.status, answer.headers.get('location')]).toEqual([302, '/graphql']);
  });

  test('of development are gone in production', async () => {
    const config = { ...app.platform.config, isProduction: true, graphiql: false, introspection: false };
    const server = await startHttpServer({ ...app.platform, config }, schema);
    const html = { accept: 'text/html' };
    const answers = await Promise.all(
      ['/', '/dev/mailbox', '/graphql'].map((path) => fetch(server.url + path, { headers: html, redirect: 'manual' })),
    );
    expect(answers.map(({ status }) => status)).toEqual([404, 404, expect.not.toBeOneOf([200, 302])]);
    expect(await answers[2]?.text()).not.toContain('<html');
    await server.close();
  });

  test('a port that is taken is told', async () => {
    const config = { ...app.platform.config, server: { host: '127.0.0.1', port: Number(new URL(app.url).port) } };
    await expect(startHttpServer({ ...app.platform, config }, schema)).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });
});

describe('CORS', () => {
  const preflight = (origin: string) =>
    fetch(`${app.url}/graphql`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type',
      },
    });
  const corsHeaders = ({ headers }: Response) => [...headers].filter(([name]) => name.startsWith('access-control-'));

  test('lets the app in, with credentials', async () => {
    const answer = await preflight('http://localhost:3000');
    expect(answer.status).toBe(204);
    expect(Object.fromEntries(corsHeaders(answer))).toEqual({
      'access-control-allow-origin': 'http://localhost:3000',
      'access-control-allow-credentials': 'true',
      'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
      'access-control-allow-headers': expect.stringMatching(
        /^Authorization, Content-Type, X-Organization-Id, X-Request-Id, /,
      ),
      'access-control-expose-headers': expect.stringMatching(/^X-Request-Id, /),
      'access-control-max-age': '600',
    });
  });

  test('shows the app the answer, also one of an error', async () => {
    const headers = {
      origin: 'http://localhost:3000',
      authorization: 'Bearer nonsense',
      'content-type': 'application/json',
    };
    const answer = await fetch(`${app.url}/graphql`, { method: 'POST', headers, body: '{"query":"{ __typename }"}' });
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([401, 'http://localhost:3000']);
    expect(answer.headers.get('access-control-expose-headers')).toMatch(/^X-Request-Id, /);
  });

  test.each(['http://evil.example', 'null', 'http://localhost:3000.evil.example', 'http://LOCALHOST:3000'])(
    'says nothing to %s',
    async (origin) => {
      const answer = await preflight(origin);
      expect([corsHeaders(answer), answer.headers.get('vary')]).toEqual([[], 'Origin']);
    },
  );
});

describe('F07 a forged host', () => {
  const forged = { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https', forwarded: 'host=evil.example' };

  test('F07 reaches no link of a mail', async () => {
    const email = anAddress();
    await callerWith(app).send(Register, { input: { email, password, name: 'Ada' } }, forged);
    const body = JSON.stringify({
      query: `mutation { resendVerificationEmail(input: { email: "${email}" }) { __typename } }`,
    });
    const head = `POST /graphql HTTP/1.1\r\nHost: evil.example\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n`;
    expect(await exchange(app.url, head + body)).toContain('200 OK');
    const mail = await waitForMail(app, { to: email });
    expect(tokenIn(mail)).not.toBe('');
    expect(JSON.stringify(mail)).not.toContain('evil');
  });

  test('F07 is nothing that anything here reads, even when it is none at all', async () => {
    const request =
      'GET /graphql?query={__typename} HTTP/1.1\r\nHost: not a host: at [all\r\nConnection: close\r\n\r\n';
    expect(await exchange(app.url, request)).toContain('{"data":{"__typename":"Query"}}');
  });
});

describe('the client’s address', () => {
  let behindProxy: HttpServer;
  beforeAll(async () => {
    const config = { ...app.platform.config, trustedProxies: ['127.0.0.0/8', '10.0.0.0/8', '::1/128'] };
    behindProxy = await startHttpServer({ ...app.platform, config }, makeTrial().schema);
  });
  afterAll(() => behindProxy.close());

  async function seen(url: string, headers: Record<string, string>) {
    const answer = await fetch(`${url}/graphql?query={origin}`, { headers });
    const { data } = (await answer.json()) as { data: { origin: string } };
    return JSON.parse(data.origin) as { ipAddress: string; userAgent: string; requestId: string };
  }

  test.each([
    ['nothing', '', '127.0.0.1'],
    ['one hop', '203.0.113.7', '203.0.113.7'],
    ['what the client made up before it', '1.1.1.1, 203.0.113.7', '203.0.113.7'],
    ['a second proxy of ours', '203.0.113.7, 10.1.2.3', '203.0.113.7'],
    ['IPv4 in IPv6', '::ffff:203.0.113.7', '203.0.113.7'],
    ['IPv6', '2001:DB8::0:1', '2001:db8::1'],
    ['nonsense', '203.0.113.7, unknown', '127.0.0.1'],
  ])('is read from X-Forwarded-For of a proxy that we trust: %s', async (_what, forwarded, expected) => {
    expect((await seen(behindProxy.url, { 'x-forwarded-for': forwarded })).ipAddress).toBe(expected);
  });

  test('is the peer’s where nobody is trusted', async () => {
    const direct = await startHttpServer(app.platform, makeTrial().schema);
    const { ipAddress, userAgent } = await seen(direct.url, {
      'x-forwarded-for': '203.0.113.7',
      'user-agent': 'x'.repeat(1_000),
    });
    expect([ipAddress, userAgent]).toEqual(['127.0.0.1', 'x'.repeat(400)]);
    await direct.close();
  });
});

describe('a slow client', () => {
  test('that does not finish its body is told so', async () => {
    const relax = hurry((ms) => ms === 10_000);
    const head = 'POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n';
    expect(await exchange(app.url, `${head}{`)).toContain(' 408 ');
    relax();
  });

  test('that does not finish a body that nobody reads is cut off', async () => {
    const request = 'POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{';
    expect(await exchange(app.url, request)).toContain(' 404 ');
  });

  test('that does not finish its headers is told so', async () => {
    expect(await slowHeaders).toContain(' 408 ');
  });
});
