import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { Readable } from 'node:stream';
import * as tus from 'tus-js-client';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { decodeId } from '../src/platform/typeid.ts';
import {
  anUpload,
  expectNothingLeft,
  mebibyte,
  type OpenUpload,
  orphans,
  put,
  stateOf,
  storageOf,
} from './support/files.ts';
import { endPrograms, runProgram } from './support/program.ts';
import { aPerson, type Person, startTestApp, useApp } from './support/world.ts';

const app = useApp();
let ada: Person;
beforeAll(async () => {
  ada = await aPerson(app);
});
afterEach(endPrograms);

const bytesOf = (size: number) => Buffer.concat([Buffer.from([0xfe]), randomBytes(size - 1)]);

function headersFor({ token }: OpenUpload, more: Record<string, string> = {}) {
  return { authorization: `Upload ${token}`, 'tus-resumable': '1.0.0', ...more };
}

async function patch(upload: OpenUpload, offset: number, body: Uint8Array | string, url = upload.tusUrl) {
  const response = await fetch(url, {
    method: 'PATCH',
    headers: headersFor(upload, { 'content-type': 'application/offset+octet-stream', 'upload-offset': String(offset) }),
    body: body as string,
  });
  const text = await response.text();
  return { status: response.status, offset: response.headers.get('upload-offset'), text };
}

async function offsetOf(upload: OpenUpload, url = upload.tusUrl) {
  const response = await fetch(url, { method: 'HEAD', headers: headersFor(upload) });
  return [response.status, response.headers.get('upload-offset'), response.headers.get('upload-length')];
}

/** A PATCH that announces `length` bytes, sends these and breaks off once the server has them. */
async function brokenPatch(upload: OpenUpload, bytes: Uint8Array, length: number, url = upload.tusUrl) {
  const headers = headersFor(upload, {
    'content-type': 'application/offset+octet-stream',
    'upload-offset': '0',
    'content-length': String(length),
  });
  const client = request(url, { method: 'PATCH', headers });
  client.on('error', () => undefined);
  client.write(bytes);
  await expect.poll(async () => (await rowOf(upload))?.receivedBytes, { timeout: 10_000 }).toBe(BigInt(bytes.length));
  return client;
}

const rowOf = ({ id }: OpenUpload) =>
  app.platform.db.upload.findUnique({ where: { id: decodeId('Upload', id) ?? '' } });

/** Sends a file as tus-js-client does. */
function send(upload: OpenUpload, bytes: Buffer, options: Partial<tus.UploadOptions>): Promise<void> {
  return new Promise((resolve, reject) => {
    new tus.Upload(Readable.from([bytes]), {
      headers: { authorization: `Upload ${upload.token}` },
      uploadSize: bytes.length,
      chunkSize: mebibyte,
      retryDelays: null,
      onSuccess: () => resolve(),
      onError: reject,
      ...options,
    }).start();
  });
}

describe('tus-js-client', () => {
  test.each([
    ['as an upload that exists', ({ tusUrl }: OpenUpload) => ({ uploadUrl: tusUrl }), 5 * mebibyte],
    ['as the endpoint that makes it', ({ tusUrl }: OpenUpload) => ({ endpoint: tusUrl }), 5 * mebibyte],
    ['without a size told before', ({ tusUrl }: OpenUpload) => ({ endpoint: tusUrl }), null],
  ])('takes tusUrl %s', async (_how, options, size) => {
    const bytes = bytesOf(5 * mebibyte);
    const bob = await aPerson(app);
    const upload = await anUpload(bob, { name: 'big.bin', size });
    await send(upload, bytes, options(upload));
    expect(await stateOf(bob, upload)).toEqual(['READY', null]);
    expect(await storageOf(app, bob.organizationId)).toMatchObject({
      used: bytes.length,
      reserved: 0,
      missingObjects: 0,
      inFiles: bytes.length,
    });
    expect(await offsetOf(upload)).toEqual([200, String(bytes.length), String(bytes.length)]);
  });
});

describe('a resumable upload', () => {
  test('goes on after a cut where it was', async () => {
    const bytes = bytesOf(2 * mebibyte);
    const bob = await aPerson(app);
    const upload = await anUpload(bob, { name: 'big.bin', size: bytes.length });
    (await brokenPatch(upload, bytes.subarray(0, mebibyte), bytes.length)).destroy();
    await expect.poll(() => offsetOf(upload)).toEqual([200, String(mebibyte), String(bytes.length)]);
    expect(await patch(upload, 5, 'x')).toMatchObject({ status: 409 });
    expect(await patch(upload, mebibyte, bytes.subarray(mebibyte))).toMatchObject({
      status: 204,
      offset: `${bytes.length}`,
    });
    expect(await stateOf(bob, upload)).toEqual(['READY', null]);
    expect(await storageOf(app, bob.organizationId)).toMatchObject({ used: bytes.length, reserved: 0 });
  });

  test('goes on after its server was killed, on another one', async () => {
    const bytes = bytesOf(2 * mebibyte);
    const bob = await aPerson(app);
    const upload = await anUpload(bob, { name: 'big.bin', size: bytes.length });
    const { dataDir } = app.platform.config;
    const doomed = runProgram('test/support/doomed-api.ts', {}, [app.databaseUrl, dataDir, 'never']);
    const url = upload.tusUrl.replace(app.url, (await doomed.ready()) ?? '');
    const client = await brokenPatch(upload, bytes.subarray(0, mebibyte), bytes.length, url);
    doomed.kill('SIGKILL');
    await doomed.exit;
    client.destroy();
    expect(await offsetOf(upload)).toEqual([200, String(mebibyte), String(bytes.length)]);
    expect(await patch(upload, mebibyte, bytes.subarray(mebibyte))).toMatchObject({ status: 204 });
    expect(await stateOf(bob, upload)).toEqual(['READY', null]);
    expect(await orphans(app)).toEqual([]);
  });

  test('is for one request at a time, also on two servers: the newer one takes over', async () => {
    const other = await startTestApp({ DATA_DIR: app.platform.config.dataDir }, { beside: app });
    const bytes = bytesOf(2 * mebibyte);
    const upload = await anUpload(ada, { name: 'big.bin', size: bytes.length });
    const hanging = await brokenPatch(upload, bytes.subarray(0, mebibyte), bytes.length);
    const elsewhere = upload.tusUrl.replace(app.url, other.url);
    expect(await offsetOf(upload, elsewhere)).toEqual([200, String(mebibyte), String(bytes.length)]);
    const rests = await Promise.all(
      [upload.tusUrl, elsewhere].map((url) => patch(upload, mebibyte, bytes.subarray(mebibyte), url)),
    );
    expect(rests.map(({ status }) => status).sort()).toEqual([204, expect.any(Number)]);
    expect(await stateOf(ada, upload)).toEqual(['READY', null]);
    hanging.destroy();
    await other.close();
  });

  test('F09 is refused for what is in its bytes, at the first of them or when all are there', async () => {
    const bob = await aPerson(app);
    const [program, page] = [Buffer.alloc(10_000, 'MZ'), '<!doctype html>'];
    const early = await anUpload(bob, { name: 'photo.png', size: 2 * program.length });
    expect(await patch(early, 0, program)).toMatchObject({ status: 415 });
    const late = await anUpload(bob, { name: 'notes.txt', size: page.length });
    expect((await patch(late, 0, page.slice(0, 4))).status).toBe(204);
    const refused = await patch(late, 4, page.slice(4));
    expect([refused.status, JSON.parse(refused.text).code]).toEqual([415, 'UNSUPPORTED_TYPE']);
    for (const upload of [early, late]) expect(await stateOf(bob, upload)).toEqual(['FAILED', 'UNSUPPORTED_TYPE']);
    const digest = await anUpload(bob, { size: 5, sha256: '0'.repeat(64) });
    expect((await patch(digest, 0, 'hello')).status).toBe(422);
    expect((await offsetOf(digest))[0]).toBe(409);
    await expectNothingLeft(app, bob);
  });

  test('keeps to its size, its token and its state', async () => {
    const bob = await aPerson(app);
    const upload = await anUpload(bob, { size: 5 });
    expect((await patch(upload, 0, 'hello world')).status).toBe(413);
    expect((await patch({ ...upload, token: 'x' }, 0, 'hello')).status).toBe(401);
    const post = await fetch(upload.tusUrl, { method: 'POST', headers: headersFor(upload, { 'upload-length': '6' }) });
    expect(post.status).toBe(413);
    expect((await fetch(upload.tusUrl, { headers: headersFor(upload) })).status).toBe(405);
    expect((await patch(upload, 0, 'hel')).status).toBe(204);
    expect((await put(upload, 'hello')).status).toBe(409);
    expect((await patch(upload, 3, 'lo')).status).toBe(204);
    expect((await patch(upload, 5, 'x')).status).toBeGreaterThanOrEqual(409);
    expect(await storageOf(app, bob.organizationId)).toMatchObject({ used: 5, reserved: 0 });
  });

  test('reserves what its size asks for, and no more than there is', async () => {
    const bob = await aPerson(app);
    const upload = await anUpload(bob);
    const post = (length: number) =>
      fetch(upload.tusUrl, { method: 'POST', headers: headersFor(upload, { 'upload-length': String(length) }) });
    const refused = await post(3 * 1024 ** 3);
    expect([refused.status, ((await refused.json()) as { code: string }).code]).toEqual([507, 'QUOTA_EXCEEDED']);
    const made = await post(20 * mebibyte);
    expect([made.status, made.headers.get('location')]).toEqual([201, upload.tusUrl]);
    expect(await storageOf(app, bob.organizationId)).toMatchObject({ reserved: 20 * mebibyte });
    const ended = await fetch(upload.tusUrl, { method: 'DELETE', headers: headersFor(upload) });
    expect(ended.status).toBe(204);
    expect(await stateOf(bob, upload)).toEqual(['ABORTED', null]);
    await expectNothingLeft(app, bob);
  });

  test('of no bytes is a file at once', async () => {
    const bob = await aPerson(app);
    const [made, found] = [await anUpload(bob, { size: 0 }), await anUpload(bob, { size: 0 })];
    await fetch(made.tusUrl, { method: 'POST', headers: headersFor(made, { 'upload-length': '0' }) });
    expect(await offsetOf(found)).toEqual([200, '0', '0']);
    for (const upload of [made, found]) expect(await stateOf(bob, upload)).toEqual(['READY', null]);
  });
});
