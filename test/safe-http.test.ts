import type dns from 'node:dns';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createSafeHttp, DestinationRefused } from '../src/platform/safe-http.ts';

let server: Server;
let port = 0;
let reached = 0;

beforeAll(async () => {
  server = createServer((request, response) => {
    reached += 1;
    if (request.url === '/redirect') response.writeHead(307, { location: `http://127.0.0.1:${port}/` });
    response.end('reached');
  });
  // Both families: a form of ::1 is as much a way in as one of 127.0.0.1.
  await new Promise<void>((listening) => server.listen(0, '::', listening));
  port = (server.address() as AddressInfo).port;
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
});

type Addresses = string[];
/** A name server of the test's own: each question takes the next answer, the last one stays. */
function nameServer(...answers: Addresses[]): typeof dns.lookup {
  let at = 0;
  return ((_host: string, _options: unknown, callback: (error: Error | null, found: unknown) => void) => {
    const addresses = answers[Math.min(at, answers.length - 1)] ?? [];
    at += 1;
    const found = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    const error = found.length === 0 ? Object.assign(new Error('none'), { code: 'ENOTFOUND' }) : null;
    callback(error, found);
  }) as never;
}

const postTo = (http: ReturnType<typeof createSafeHttp>, url: string) =>
  http.post({ url, headers: {}, body: '{}', timeoutMs: 3_000, signal: new AbortController().signal });

/** Every form that leads home, or nowhere a stranger may send us. */
const forms = [
  '127.0.0.1',
  '127.1',
  '127.0.1',
  '2130706433',
  '0x7f000001',
  '0x7f.1',
  '0177.0.0.1',
  '0',
  '0.0.0.0',
  '127.255.255.254',
  '①②⑦.0.0.1',
  '127。0。0。1',
  'localhost',
  'localhost.',
  'LOCALHOST',
  '[::1]',
  '[::]',
  '[0:0:0:0:0:0:0:1]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[0:0:0:0:0:ffff:7f00:1]',
  '[::127.0.0.1]',
  '[64:ff9b::7f00:1]',
  '[64:ff9b:1::7f00:1]',
  '[2002:7f00:1::]',
  '[2001:0:4136:e378:8000:63bf:80ff:fffe]',
  '[fe80::1]',
  '[fc00::1]',
  '[fd12:3456::1]',
  '[fec0::1]',
  '[ff02::1]',
  '[100::1]',
  '[2001:db8::1]',
  '[3fff::1]',
  '[5f00::1]',
  '10.0.0.1',
  '172.16.0.1',
  '192.168.0.1',
  '169.254.169.254',
  '100.64.0.1',
  '192.0.0.1',
  '192.0.2.1',
  '198.18.0.1',
  '198.51.100.1',
  '203.0.113.1',
  '224.0.0.1',
  '240.0.0.1',
  '255.255.255.255',
];

describe('HTTP to addresses that strangers choose', () => {
  const http = createSafeHttp([]);
  afterAll(() => http.close());

  test.each(forms)('reaches nothing at %s, at save and at connect, in clear or not', async (host) => {
    const before = reached;
    for (const scheme of ['http', 'https']) {
      const url = `${scheme}://${host}:${port}/`;
      await expect(http.requireAllowed(url)).rejects.toThrow(DestinationRefused);
      // Not every system knows the name with a dot.
      await expect(postTo(http, url)).rejects.toThrow(/^This destination is not allowed|ENOTFOUND localhost\.$/);
    }
    expect(reached).toBe(before);
  });

  test.each([
    '',
    'nonsense',
    '//example.com',
    'ftp://203.0.114.1/',
    'file:///etc/passwd',
    'data:text/plain,x',
    'javascript:alert(1)',
    'https://user@93.184.215.14/',
    'https://user:password@93.184.215.14/',
    'http://93.184.215.14/',
    'https://127.0.0.1:443@[::1]/',
  ])('refuses the URL "%s"', async (url) => {
    await expect(http.requireAllowed(url)).rejects.toThrow(DestinationRefused);
  });

  test.each(['https://93.184.215.14/hook', 'https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]:8443/'])(
    'may go to %s',
    async (url) => {
      await expect(http.requireAllowed(url)).resolves.toBeUndefined();
    },
  );

  test('refuses everything in the same words', async () => {
    const words = new Set<string>();
    for (const url of ['nonsense', 'http://93.184.215.14/', 'https://127.0.0.1/', 'https://10.0.0.1/']) {
      words.add(await http.requireAllowed(url).then(String, String));
    }
    expect([...words]).toEqual(['DestinationRefused: This destination is not allowed.']);
  });
});

describe('a name', () => {
  test.each([
    ['leads home', ['127.0.0.1']],
    ['leads home in IPv6', ['::1']],
    ['leads home in disguise', ['::ffff:127.0.0.1']],
    ['has one good address among bad ones', ['93.184.215.14', '127.0.0.1']],
    ['has none', []],
  ])('that %s is refused at save and at connect', async (_what, addresses) => {
    const http = createSafeHttp([], nameServer(addresses));
    const url = `https://hooks.example.com:${port}/`;
    await expect(http.requireAllowed(url)).rejects.toThrow(DestinationRefused);
    const before = reached;
    await expect(postTo(http, url)).rejects.toThrow();
    expect(reached).toBe(before);
    await http.close();
  });

  test('that was good when it was saved and leads home when it is called reaches nothing', async () => {
    const http = createSafeHttp([], nameServer(['93.184.215.14'], ['127.0.0.1']));
    const url = `https://hooks.example.com:${port}/`;
    await http.requireAllowed(url);
    const before = reached;
    await expect(postTo(http, url)).rejects.toThrow(DestinationRefused);
    expect(reached).toBe(before);
    await http.close();
  });

  test('is connected to as it was judged, though it would answer otherwise a moment later', async () => {
    const http = createSafeHttp(['127.0.0.1/32'], nameServer(['127.0.0.1'], ['127.0.0.2']));
    expect((await postTo(http, `http://hooks.example.com:${port}/`)).body).toBe('reached');
    await http.close();
  });
});

describe('networks that the operator allows', () => {
  const http = createSafeHttp(['127.0.0.1/32', '::1/128']);
  afterAll(() => http.close());

  test('are reached in clear too, and their neighbours are not', async () => {
    expect(await postTo(http, `http://127.0.0.1:${port}/`)).toMatchObject({ statusCode: 200, body: 'reached' });
    expect(await postTo(http, `http://[::1]:${port}/`)).toMatchObject({ body: 'reached' });
    await expect(postTo(http, `http://127.0.0.2:${port}/`)).rejects.toThrow(DestinationRefused);
    await expect(http.requireAllowed('http://10.0.0.1/')).rejects.toThrow(DestinationRefused);
  });

  test('a redirect is an answer, and is not followed', async () => {
    const before = reached;
    expect(await postTo(http, `http://127.0.0.1:${port}/redirect`)).toMatchObject({ statusCode: 307 });
    expect(reached).toBe(before + 1);
  });
});
