import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { beforeAll, describe, expect, test } from 'vitest';
import { rangeOf } from '../src/edge/byte-range.ts';
import { contentDisposition } from '../src/edge/content-disposition.ts';
import { decodeId } from '../src/platform/typeid.ts';
import { graphql } from './generated/gql.ts';
import { aKey, aSecuredOwner } from './support/api-keys.ts';
import { aFile, FileById } from './support/files.ts';
import { rawConnection } from './support/raw-socket.ts';
import { Logout } from './support/session-operations.ts';
import { aMemberOf, aPerson, type Caller, callerWith, type Person, startTestApp, useApp } from './support/world.ts';

const app = useApp();

const TrashForLink = graphql(`mutation TrashForLink($id: ID!) { trashFile(input: { id: $id }) { __typename } }`);
const RestoreForLink = graphql(`mutation RestoreForLink($id: ID!) { restoreFile(input: { id: $id }) { __typename } }`);

async function linkTo(caller: Caller, id: string): Promise<string> {
  const { data } = await caller.send(FileById, { id });
  if (!data.node || !('downloadUrl' in data.node)) throw new Error('no such file');
  return data.node.downloadUrl;
}

async function get(url: string, headers: Record<string, string> = {}, method = 'GET') {
  const response = await fetch(url, { headers, method });
  return { status: response.status, headers: response.headers, body: Buffer.from(await response.arrayBuffer()) };
}

describe('a download link', () => {
  let ada: Person;
  let bytes: Buffer;
  let url: string;
  let fileId: string;
  beforeAll(async () => {
    ada = await aPerson(app);
    bytes = Buffer.concat([Buffer.from([0xfe]), randomBytes(100_000)]);
    fileId = await aFile(ada, { name: 'data "1" – Größe.bin', bytes });
    url = await linkTo(ada, fileId);
  });

  test('gives the bytes to whoever has it, and headers by which no browser runs them', async () => {
    const { status, headers, body } = await get(url);
    expect([status, body.equals(bytes)]).toEqual([200, true]);
    expect(Object.fromEntries(headers)).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-length': String(bytes.length),
      'accept-ranges': 'bytes',
      'cache-control': 'private, no-store',
      'content-disposition':
        'attachment; filename="data _1_ _ Gr__e.bin"; filename*=UTF-8\'\'data%20%221%22%20%E2%80%93%20Gr%C3%B6%C3%9Fe.bin',
      'content-security-policy': "default-src 'none'; sandbox; frame-ancestors 'none'",
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    });
  });

  test('answers HEAD with the same headers, and 304 to who has the bytes', async () => {
    const [whole, head] = [await get(url), await get(url, {}, 'HEAD')];
    const told = ({ headers }: typeof head) =>
      [...headers].filter(([name]) => !['date', 'x-request-id', 'connection', 'keep-alive'].includes(name));
    expect([head.status, head.body.length, told(head)]).toEqual([200, 0, told(whole)]);
    const etag = whole.headers.get('etag') ?? '';
    expect(etag).toMatch(/^"[0-9a-f]{64}"$/);
    for (const tag of [etag, `W/${etag}`, `"x", ${etag}`, '*'])
      expect((await get(url, { 'if-none-match': tag })).status).toBe(304);
    expect((await get(url, { 'if-none-match': '"x"' })).status).toBe(200);
    expect((await fetch(url, { method: 'POST' })).status).toBe(405);
  });

  test.each([
    ['bytes=0-0', 0, 1],
    ['bytes=100-199', 100, 200],
    ['bytes=99990-', 99_990, 100_001],
    ['bytes=-5', 99_996, 100_001],
    ['bytes=100000-999999999', 100_000, 100_001],
    ['bytes=-999999999', 0, 100_001],
  ])('gives the part %s', async (range, start, end) => {
    const { status, headers, body } = await get(url, { range });
    expect([status, headers.get('content-range')]).toEqual([206, `bytes ${start}-${end - 1}/100001`]);
    expect(body.equals(bytes.subarray(start, end))).toBe(true);
  });

  test.each(['bytes=100001-', 'bytes=-0', 'bytes=999999-9999999'])('has no part %s', async (range) => {
    const { status, headers } = await get(url, { range });
    expect([status, headers.get('content-range')]).toEqual([416, 'bytes */100001']);
  });

  test('gives everything for parts that it does not give, and for parts of other bytes', async () => {
    for (const range of ['bytes=0-1,3-4', 'bytes=5-1', 'lines=1-2', 'bytes=-', 'bytes=a-b'])
      expect((await get(url, { range })).status, range).toBe(200);
    const etag = (await get(url)).headers.get('etag') ?? '';
    expect((await get(url, { range: 'bytes=0-1', 'if-range': etag })).status).toBe(206);
    expect((await get(url, { range: 'bytes=0-1', 'if-range': '"other"' })).status).toBe(200);
    expect([rangeOf('bytes=0-', 0), rangeOf(undefined, 5)]).toEqual(['unsatisfiable', null]);
  });

  test('is refused with any part of it changed', async () => {
    const { searchParams } = new URL(url);
    for (const [name, value] of searchParams) {
      for (let at = 0; at < value.length; at += 1) {
        const changed = new URL(url);
        const letter = value[at] === 'a' ? 'b' : 'a';
        changed.searchParams.set(name, `${value.slice(0, at)}${letter}${value.slice(at + 1)}`);
        expect((await get(changed.href)).status, changed.href).toBe(403);
      }
      const without = new URL(url);
      without.searchParams.delete(name);
      expect((await get(without.href)).status, name).toBe(403);
    }
    const other = await aFile(ada);
    expect((await get(url.replace(fileId, other))).status).toBe(403);
    expect((await get(url.replace(fileId, 'fil_01h455vb4pex5vsknk084sn02q'))).status).toBe(404);
  });

  test('is over after five minutes', async () => {
    const { KEYRING: _none, ...environment } = { KEYRING: '', DATA_DIR: app.platform.config.dataDir };
    const soon = await startTestApp({ ...environment, TEST_CLOCK_OFFSET_SECONDS: '290' }, { beside: app });
    const late = await startTestApp({ ...environment, TEST_CLOCK_OFFSET_SECONDS: '301' }, { beside: app });
    const fresh = await linkTo(ada, fileId);
    expect((await get(fresh.replace(app.url, soon.url))).status).toBe(200);
    const { status, body } = await get(fresh.replace(app.url, late.url));
    expect([status, JSON.parse(body.toString()).code]).toEqual([403, 'FORBIDDEN']);
    await Promise.all([soon.close(), late.close()]);
  });

  test('is void as long as the file is in the trash', async () => {
    const id = await aFile(ada);
    const link = await linkTo(ada, id);
    await ada.send(TrashForLink, { id });
    expect((await get(link)).status).toBe(404);
    await ada.send(RestoreForLink, { id });
    expect((await get(link)).status).toBe(200);
  });

  test('is void at once for whoever loses session, membership or key', async () => {
    const owner = await aSecuredOwner(app);
    const id = await aFile(owner);
    const member = await aMemberOf(app, owner);
    const key = await aKey(app, owner, { scopes: ['files:read'] });
    const links = { member: await linkTo(member, id), key: await linkTo(key, id), owner: await linkTo(owner, id) };
    for (const link of Object.values(links)) expect((await get(link)).status).toBe(200);
    await app.platform.db.membership.deleteMany({ where: { user: { email: member.email } } });
    await app.platform.db.apiKey.updateMany({
      where: { id: decodeId('ApiKey', key.id) ?? '' },
      data: { scopes: ['members:read'] },
    });
    await owner.send(Logout);
    for (const link of Object.values(links)) expect((await get(link)).status).toBe(404);
  });

  test('is counted and logged, once each time', async () => {
    const eve = await aPerson(app);
    const link = await linkTo(eve, await aFile(eve, { bytes: 'hello' }));
    await get(link, { 'x-request-id': 'download-log-1' });
    await get(link, { range: 'bytes=0-1' });
    await get(link, {}, 'HEAD');
    const days = () =>
      app.platform.db.egressDay.findMany({
        where: { organizationId: decodeId('Organization', eve.organizationId) ?? '' },
      });
    await expect.poll(days).toMatchObject([{ bytes: 7n }]);
    const lines = app.logLines.filter(({ msg, requestId }) => msg === 'transfer' && requestId === 'download-log-1');
    expect(lines).toMatchObject([
      {
        userId: eve.id,
        sessionId: eve.sessionId,
        organizationId: eve.organizationId,
        operationName: 'download',
        outcome: 'ok',
        bytes: 5,
      },
    ]);
    expect(JSON.stringify(app.logLines)).not.toContain(new URL(link).searchParams.get('signature'));
  });

  test('that is broken off counts what left, and no more', async () => {
    const eve = await aPerson(app);
    const big = Buffer.alloc(50_000_000, 0xfe);
    const link = new URL(await linkTo(eve, await aFile(eve, { name: 'big.bin', bytes: big })));
    const socket = await rawConnection(link.href);
    socket.write(`GET ${link.pathname}${link.search} HTTP/1.1\r\nHost: x\r\nX-Request-Id: broken-off-1\r\n\r\n`);
    await once(socket, 'data');
    socket.destroy();
    const lines = () => app.logLines.filter(({ requestId }) => requestId === 'broken-off-1');
    await expect.poll(lines).toMatchObject([{ outcome: 'CANCELED' }]);
    const days = () =>
      app.platform.db.egressDay.findFirst({
        where: { organizationId: decodeId('Organization', eve.organizationId) ?? '' },
      });
    await expect.poll(async () => Number((await days())?.bytes ?? 0)).toBeGreaterThan(0);
    expect(Number((await days())?.bytes)).toBeLessThan(big.length);
  });

  test('is made for nobody who may not see the file', async () => {
    const stranger = await aPerson(app);
    expect((await stranger.send(FileById, { id: fileId })).data.node).toBeNull();
    expect((await callerWith(app).send(FileById, { id: fileId })).data.node).toBeNull();
  });
});

test.each([
  ['plain.txt', `attachment; filename="plain.txt"; filename*=UTF-8''plain.txt`],
  ['a\r\nSet-Cookie: x', `attachment; filename="aSet-Cookie: x"; filename*=UTF-8''aSet-Cookie%3A%20x`],
  ['exe\u202Egnp.txt', `attachment; filename="exegnp.txt"; filename*=UTF-8''exegnp.txt`],
  [`'"\\%(*)`, `attachment; filename="'___(*)"; filename*=UTF-8''%27%22%5C%25%28%2A%29`],
  ['\uD800.txt', `attachment; filename="_.txt"; filename*=UTF-8''%EF%BF%BD.txt`],
])('the name %j goes into a header safely', (name, header) => {
  expect(contentDisposition('attachment', name)).toBe(header);
});
