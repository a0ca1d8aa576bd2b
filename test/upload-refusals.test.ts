import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { beforeAll, describe, expect, test } from 'vitest';
import { bodyOf } from '../src/edge/upload-body.ts';
import { decodeId, encodeId, newId } from '../src/platform/typeid.ts';
import {
  AbortUpload,
  anUpload,
  CreateUpload,
  expectNothingLeft,
  mebibyte,
  put,
  slowly,
  stateOf,
  streamOf,
} from './support/files.ts';
import { exchange, rawConnection } from './support/raw-socket.ts';
import { Logout } from './support/session-operations.ts';
import { aPerson, type Person, useApp } from './support/world.ts';

const app = useApp({ UPLOAD_MAX_BYTES: String(64 * mebibyte) });

test('an organization has a thousand uploads open at most, also of five at once', async () => {
  const ada = await aPerson(app);
  const { createdAt, ...row } = await app.platform.db.upload.findUniqueOrThrow({
    where: { id: decodeId('Upload', (await anUpload(ada, { size: 0 })).id) ?? '' },
  });
  const others = Array.from({ length: 997 }, () => ({ ...row, createdAt, id: newId() }));
  await app.platform.db.upload.createMany({ data: others });
  const input = { organizationId: ada.organizationId, name: 'a.txt', size: 0 };
  const answers = await Promise.all(Array.from({ length: 5 }, () => ada.send(CreateUpload, { input })));
  expect(answers.map(({ codes, data }) => codes[0] ?? data.createUpload.__typename).sort()).toEqual([
    ...Array(3).fill('RATE_LIMITED'),
    ...Array(2).fill('UploadCreated'),
  ]);
  expect(answers.flatMap(({ errors }) => errors.map(({ extensions }) => extensions?.retryAfterSeconds))).toEqual([
    60, 60, 60,
  ]);
  await ada.send(AbortUpload, { id: encodeId('Upload', row.id) });
  expect((await ada.send(CreateUpload, { input })).codes).toEqual([]);
});

describe('F09 what is refused leaves nothing:', () => {
  let ada: Person;
  beforeAll(async () => {
    ada = await aPerson(app);
  });

  const refusals: [
    string,
    Parameters<typeof anUpload>[1],
    string | Uint8Array | (() => ReadableStream),
    object,
    number,
    string,
  ][] = [
    ['more bytes than were declared', { size: 4 }, () => streamOf(Buffer.from('hello')), {}, 413, 'UPLOAD_TOO_LARGE'],
    ['a length above the declared one', { size: 4 }, 'hello', {}, 413, 'UPLOAD_TOO_LARGE'],
    ['fewer bytes than were declared', { size: 6 }, () => streamOf(Buffer.from('hello')), {}, 422, 'UPLOAD_TOO_SHORT'],
    ['a length below the declared one', { size: 6 }, 'hello', {}, 422, 'UPLOAD_TOO_SHORT'],
    ['a declared SHA-256 that is not theirs', { sha256: '0'.repeat(64) }, 'hello', {}, 422, 'DIGEST_MISMATCH'],
    [
      'a Content-Digest that is not theirs',
      {},
      'hello',
      { 'content-digest': `sha-256=:${Buffer.alloc(32).toString('base64')}:` },
      422,
      'DIGEST_MISMATCH',
    ],
    ['more bytes than any file may have', {}, () => streamOf(Buffer.alloc(65 * mebibyte)), {}, 413, 'UPLOAD_TOO_LARGE'],
  ];

  test.each(refusals)('%s', async (_what, input, body, headers, status, code) => {
    const upload = await anUpload(ada, input);
    const answer = await put(upload, typeof body === 'function' ? body() : body, headers as Record<string, string>);
    expect(answer).toMatchObject({ status, body: { status, code, title: expect.any(String) } });
    expect(await stateOf(ada, upload)).toEqual(['FAILED', code]);
    await expectNothingLeft(app, ada);
  });

  test('bytes that break off', async () => {
    const upload = await anUpload(ada, { size: 100_000 });
    const socket = await rawConnection(upload.url);
    socket.write(
      `PUT ${new URL(upload.url).pathname} HTTP/1.1\r\nHost: x\r\nAuthorization: Upload ${upload.token}\r\nContent-Length: 100000\r\n\r\n${'x'.repeat(50_000)}`,
    );
    await expect.poll(async () => (await stateOf(ada, upload))[0]).toBe('RECEIVING');
    socket.destroy();
    await expect.poll(() => stateOf(ada, upload)).toEqual(['FAILED', 'UPLOAD_CUT']);
    await expectNothingLeft(app, ada);
  });

  test('an upload that is aborted while its bytes come', async () => {
    const upload = await anUpload(ada, { size: 100_000 });
    const sending = slowly(upload, 100_000);
    await expect.poll(async () => (await stateOf(ada, upload))[0]).toBe('RECEIVING');
    const aborted = await ada.send(AbortUpload, { id: upload.id });
    expect(aborted.data.abortUpload).toMatchObject({ upload: { state: 'ABORTED' } });
    expect(await sending).toMatchObject({ status: 409, body: { code: 'UPLOAD_OVER' } });
    expect(await stateOf(ada, upload)).toEqual(['ABORTED', null]);
    await expectNothingLeft(app, ada);
  });

  test('an upload whose maker loses their session while the bytes come', async () => {
    const bob = await aPerson(app);
    const upload = await anUpload(bob, { size: 100_000 });
    const sending = slowly(upload, 100_000);
    await expect.poll(async () => (await stateOf(bob, upload))[0]).toBe('RECEIVING');
    await bob.send(Logout);
    expect(await sending).toMatchObject({ status: 404 });
    await expectNothingLeft(app, bob);
  });

  test('a length that is too great, before a byte of it is asked for', async () => {
    const upload = await anUpload(ada);
    const answer = await exchange(
      upload.url,
      `PUT ${new URL(upload.url).pathname} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nAuthorization: Upload ${upload.token}\r\nContent-Length: 999999999999\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    const welcome = await anUpload(ada, { size: 5 });
    const socket = await rawConnection(welcome.url);
    socket.write(
      `PUT ${new URL(welcome.url).pathname} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nAuthorization: Upload ${welcome.token}\r\nContent-Length: 5\r\n\r\n`,
    );
    const [first] = await once(socket, 'data');
    expect(String(first)).toMatch(/^HTTP\/1\.1 100 /);
    socket.end();
    await expect.poll(() => stateOf(ada, welcome)).toEqual(['FAILED', 'UPLOAD_CUT']);
    await expectNothingLeft(app, ada);
  });
});

describe('a client that is too slow', () => {
  const signal = new AbortController().signal;
  const quick = { idleMs: 50, windowMs: 200, windowBytes: 1000 };

  test.each([
    ['sends nothing for too long', { ...quick, windowMs: 10_000 }, 0],
    ['trickles', quick, 20],
  ])('and %s is cut off', async (_what, pace, everyMs) => {
    const failure = await readFrom(pace, everyMs);
    expect(failure).toMatchObject({ code: 'UPLOAD_STALLED' });
  });

  /** A server that reads one body at this pace, and a client that sends a byte now and then. */
  async function readFrom(pace: typeof quick, everyMs: number): Promise<unknown> {
    const outcome = Promise.withResolvers<unknown>();
    const server = createServer(async (incoming, response) => {
      try {
        for await (const chunk of bodyOf(incoming, response, { pace, signal })) expect(chunk.length).toBeGreaterThan(0);
        outcome.resolve(null);
      } catch (error) {
        outcome.resolve(error);
      }
      response.end();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = request({ port: (server.address() as { port: number }).port, method: 'PUT' });
    client.on('error', () => undefined);
    client.write('x');
    const timer = everyMs > 0 ? setInterval(() => client.write('x'), everyMs) : undefined;
    const result = await outcome.promise;
    clearInterval(timer);
    client.destroy();
    server.closeAllConnections();
    server.close();
    return result;
  }
});
