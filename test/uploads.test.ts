import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { decodeId } from '../src/platform/typeid.ts';
import { aKey, allScopes, aSecuredOwner } from './support/api-keys.ts';
import { aCast, type CallerKind, type Cast } from './support/callers.ts';
import {
  AbortUpload,
  anUpload,
  CreateUpload,
  mebibyte,
  type OpenUpload,
  orphans,
  put,
  slowly,
  stateOf,
  storageOf,
  streamOf,
  UploadById,
} from './support/files.ts';
import { Logout } from './support/session-operations.ts';
import { aMemberOf, aPerson, callerWith, type Person, startTestApp, useApp } from './support/world.ts';

const app = useApp({ UPLOAD_MAX_BYTES: String(64 * mebibyte) });
const sha256 = (bytes: string | Uint8Array) => createHash('sha256').update(bytes).digest('hex');

describe('createUpload', () => {
  let cast: Cast;
  beforeAll(async () => {
    cast = await aCast(app);
  });

  test.each<[CallerKind, string]>([
    ['anonymous', 'UNAUTHENTICATED'],
    ['outsider', 'NOT_FOUND'],
    ['member', 'UploadCreated'],
    ['admin', 'UploadCreated'],
    ['owner', 'UploadCreated'],
    ['superuser without second factor', 'NOT_FOUND'],
    ['superuser', 'NOT_FOUND'],
  ])('of %s is %s', async (kind, outcome) => {
    const before = await app.platform.db.upload.count();
    const { organizationId } = cast;
    const { data, codes } = await cast.callers[kind].send(CreateUpload, { input: { organizationId, name: 'a.txt' } });
    expect(codes[0] ?? data.createUpload.__typename).toBe(outcome);
    expect((await app.platform.db.upload.count()) - before).toBe(outcome === 'UploadCreated' ? 1 : 0);
  });

  test.each([
    ['name', { name: ' ' }],
    ['name', { name: 'a/b.txt' }],
    ['name', { name: 'a\u0000.txt' }],
    ['name', { name: '..' }],
    ['name', { name: 'x'.repeat(256) }],
    ['size', { size: -1 }],
    ['size', { size: 64 * mebibyte + 1 }],
    ['sha256', { sha256: 'abc' }],
    ['clientKey', { clientKey: '' }],
  ])('says what is wrong with %s in %j', async (field, change) => {
    const { organizationId, owner } = cast;
    const { data } = await owner.send(CreateUpload, { input: { organizationId, name: 'a.txt', ...change } });
    expect(data.createUpload).toMatchObject({ __typename: 'ValidationFailed', issues: [{ path: [field] }] });
  });

  test('gives the same upload for the same client key, of twenty at once one', async () => {
    const ada = await aPerson(app);
    const form = { name: 'a.txt', size: 100, clientKey: 'photo-1' };
    const uploads = await Promise.all(Array.from({ length: 20 }, () => anUpload(ada, form)));
    expect(new Set(uploads.map(({ id, token }) => `${id} ${token}`)).size).toBe(1);
    expect(await storageOf(app, ada.organizationId)).toMatchObject({ reserved: 100 });
    const input = { organizationId: ada.organizationId, ...form, size: 101 };
    expect((await ada.send(CreateUpload, { input })).data.createUpload).toMatchObject({
      issues: [{ path: ['clientKey'] }],
    });
    expect((await anUpload(ada, { ...form, clientKey: 'photo-2' })).id).not.toBe(uploads[0]?.id);
  });

  test('takes signs out of a name that turn text around', async () => {
    const ada = await aPerson(app);
    const { body } = await put(await anUpload(ada, { name: 'photo\u202Etxt.md' }), 'hello');
    expect(body.name).toBe('phototxt.md');
  });
});

describe('PUT /uploads/:id', () => {
  test('makes a file of the bytes, and says what was found in them', async () => {
    const ada = await aPerson(app);
    const bytes = Buffer.from('Grüße\n'.repeat(1000));
    const upload = await anUpload(ada, { name: 'Grüße.txt', size: bytes.length, contentType: 'image/png' });
    const { status, body } = await put(upload, bytes);
    expect(status).toBe(201);
    expect(body).toMatchObject({
      uploadId: upload.id,
      state: 'READY',
      size: bytes.length,
      contentType: 'text/plain',
      sha256: sha256(bytes),
    });
    const { data } = await ada.send(UploadById, { id: upload.id });
    expect(data.node).toMatchObject({
      state: 'READY',
      receivedBytes: bytes.length,
      file: { id: body.fileId, name: 'Grüße.txt', size: bytes.length, uploadedBy: { id: ada.id } },
    });
    expect(await storageOf(app, ada.organizationId)).toMatchObject({
      used: bytes.length,
      reserved: 0,
      inFiles: bytes.length,
      missingObjects: 0,
    });
    const entries = await app.platform.db.auditEntry.findMany({ where: { actorUserId: decodeId('User', ada.id) } });
    expect(entries.map(({ action }) => action)).toEqual(expect.arrayContaining(['upload.created', 'file.created']));
    const { payload } = await app.platform.db.webhookEvent.findFirstOrThrow({ where: { type: 'file.created' } });
    expect(JSON.parse(payload).data.fileId).toMatch(/^fil_/);
  });

  test('takes a file of no bytes, and one whose size nobody knew', async () => {
    const ada = await aPerson(app);
    expect((await put(await anUpload(ada, { size: 0 }), '')).status).toBe(201);
    const bytes = Buffer.alloc(20 * mebibyte, 'x');
    const { status, body } = await put(await anUpload(ada), streamOf(bytes));
    expect([status, body.size]).toEqual([201, bytes.length]);
    expect(await storageOf(app, ada.organizationId)).toMatchObject({ used: bytes.length, reserved: 0 });
  });

  test('opens to its own token alone', async () => {
    const ada = await aPerson(app);
    const [upload, other] = [await anUpload(ada), await anUpload(ada)];
    const flipped = `${upload.token.slice(0, -1)}${upload.token.endsWith('A') ? 'B' : 'A'}`;
    for (const token of ['', 'x', other.token, flipped]) {
      expect(await put({ ...upload, token }, 'hello')).toMatchObject({
        status: 401,
        body: { code: 'UNAUTHENTICATED' },
      });
    }
    const unknown = upload.url.replace(/upl_.*/, 'upl_01h455vb4pex5vsknk084sn02q');
    expect((await put({ url: unknown, token: upload.token }, 'hello')).status).toBe(401);
    const byBearer = await fetch(upload.url, {
      method: 'PUT',
      headers: { authorization: `Bearer ${ada.accessToken}` },
    });
    expect([byBearer.status, byBearer.headers.get('content-type')]).toEqual([
      401,
      'application/problem+json; charset=utf-8',
    ]);
    expect(await stateOf(ada, upload)).toEqual(['PENDING', null]);
    expect((await fetch(upload.url, { method: 'POST' })).status).toBe(405);
  });

  test('takes bytes once', async () => {
    const ada = await aPerson(app);
    const upload = await anUpload(ada);
    const answers = await Promise.all(Array.from({ length: 20 }, () => put(upload, 'hello')));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(19);
    expect(await put(upload, 'again')).toMatchObject({ status: 409, body: { code: 'UPLOAD_OVER' } });
    expect(await storageOf(app, ada.organizationId)).toMatchObject({ used: 5, inFiles: 5, reserved: 0 });
    expect(await orphans(app)).toEqual([]);
  });

  test('ends with the session, and with the membership, of whoever opened it', async () => {
    const owner = await aPerson(app);
    const member = await aMemberOf(app, owner);
    const [left, loggedOut] = [
      await anUpload({ ...member, organizationId: owner.organizationId }),
      await anUpload(owner),
    ];
    await app.platform.db.membership.deleteMany({ where: { user: { email: member.email } } });
    expect((await put(left, 'hello')).status).toBe(404);
    await owner.send(Logout);
    expect((await put(loggedOut, 'hello')).status).toBe(404);
  });

  test('takes bytes for an API key that may write files', async () => {
    const owner = await aSecuredOwner(app);
    const { organizationId } = owner;
    const key = await aKey(app, owner, { scopes: ['files:write'] });
    expect((await put(await anUpload({ ...key, organizationId }), 'hello')).status).toBe(201);
    const reader = await aKey(app, owner, { scopes: allScopes.filter((scope) => scope !== 'files:write') });
    expect((await reader.send(CreateUpload, { input: { organizationId, name: 'a.txt' } })).codes).toEqual([
      'FORBIDDEN',
    ]);
  });

  test('writes one log line', async () => {
    const ada = await aPerson(app);
    const upload = await anUpload(ada);
    await put(upload, 'hello', { 'x-request-id': 'upload-log-1' });
    const lineOf = () =>
      app.logLines.filter(({ msg, requestId }) => msg === 'transfer' && requestId === 'upload-log-1');
    await expect.poll(lineOf).toMatchObject([
      {
        userId: ada.id,
        sessionId: ada.sessionId,
        organizationId: ada.organizationId,
        apiKeyId: null,
        operationName: 'upload',
        outcome: 'ok',
        bytes: 5,
      },
    ]);
    expect(JSON.stringify(app.logLines)).not.toContain(upload.token);
  });
});

describe('HEAD /uploads/:id', () => {
  test('says how far an upload is', async () => {
    const ada = await aPerson(app);
    const upload = await anUpload(ada, { size: 100_000 });
    const headers = { authorization: `Upload ${upload.token}` };
    const head = async () => {
      const response = await fetch(upload.url, { method: 'HEAD', headers });
      return ['upload-state', 'upload-offset', 'upload-length', 'cache-control'].map((name) =>
        response.headers.get(name),
      );
    };
    expect(await head()).toEqual(['PENDING', '0', '100000', 'no-store']);
    const sending = slowly(upload, 100_000);
    await expect.poll(head, { timeout: 5_000 }).toEqual(['RECEIVING', '1000', '100000', 'no-store']);
    await ada.send(AbortUpload, { id: upload.id });
    await sending;
    expect((await fetch(upload.url, { method: 'HEAD' })).status).toBe(401);
  });
});

describe('abortUpload', () => {
  test('is for whoever opened it and for admins', async () => {
    const owner = await aPerson(app);
    const { organizationId } = owner;
    const maker = { ...(await aMemberOf(app, owner)), organizationId };
    const other = await aMemberOf(app, owner);
    const stranger = await aPerson(app);
    const [upload, second] = [await anUpload(maker), await anUpload(maker)];
    const abort = async (person: Person, { id }: OpenUpload) => (await person.send(AbortUpload, { id })).codes;
    expect([await abort(stranger, upload), await abort(other, upload)]).toEqual([['NOT_FOUND'], ['FORBIDDEN']]);
    expect(await stateOf(owner, upload)).toEqual(['PENDING', null]);
    expect([await abort(maker, upload), await abort(owner, second)]).toEqual([[], []]);
    expect([await stateOf(owner, upload), await stateOf(owner, second)]).toEqual([
      ['ABORTED', null],
      ['ABORTED', null],
    ]);
  });
});

test('an upload goes to PUBLIC_API_URL, where there is one', async () => {
  const environment = { PUBLIC_API_URL: 'https://api.example.com/core', DATA_DIR: app.platform.config.dataDir };
  const other = await startTestApp(environment, { beside: app });
  const ada = await aPerson(app);
  const { data } = await callerWith(other, ada.accessToken).send(CreateUpload, {
    input: { organizationId: ada.organizationId, name: 'a.txt' },
  });
  expect(data.createUpload).toMatchObject({
    upload: { url: expect.stringMatching(/^https:..api.example.com.core.uploads.upl_/) },
  });
  await other.close();
});
