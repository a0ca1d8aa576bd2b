import { describe, expect, test } from 'vitest';
import { decodeId } from '../src/platform/typeid.ts';
import { graphql } from './generated/gql.ts';
import { AbortUpload, aFile, anUpload, CreateUpload, mebibyte, put, storageOf, streamOf } from './support/files.ts';
import { aPerson, useApp } from './support/world.ts';

const app = useApp();

const StorageQuota = graphql(`
  query StorageQuota($id: ID!) {
    organization(id: $id) { quota(resource: STORAGE_BYTES) { limit used remaining } }
  }
`);
const LimitStorage = graphql(`
  mutation LimitStorage($id: ID!, $limit: BigInt!) {
    setOrganizationQuota(input: { organizationId: $id, resource: STORAGE_BYTES, limit: $limit }) { __typename }
  }
`);

describe('storage quota', () => {
  test('F29 twenty uploads at once never pass it by a byte, and one that fits exactly is taken', async () => {
    const ada = await aPerson(app);
    const { organizationId } = ada;
    await ada.send(LimitStorage, { id: organizationId, limit: 1_000 });
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => ada.send(CreateUpload, { input: { organizationId, name: 'a.txt', size: 300 } })),
    );
    expect(answers.flatMap(({ codes }) => codes)).toEqual([]);
    const outcomes = answers.map(({ data }) => data.createUpload);
    expect(outcomes.filter(({ __typename }) => __typename === 'UploadCreated')).toHaveLength(3);
    expect(outcomes).toContainEqual({
      __typename: 'QuotaExceeded',
      code: 'QUOTA_EXCEEDED',
      resource: 'STORAGE_BYTES',
      limit: 1_000,
      used: 900,
      resetsAt: null,
    });
    const exact = await anUpload(ada, { size: 100 });
    expect((await put(exact, 'x'.repeat(100))).status).toBe(201);
    const quota = (await ada.send(StorageQuota, { id: organizationId })).data.organization?.quota;
    expect(quota).toEqual({ limit: 1_000, used: 1_000, remaining: 0 });
    expect(await storageOf(app, organizationId)).toMatchObject({ used: 100, reserved: 900 });
  });

  test('F29 of unknown sizes, those that come at once fill it to the last byte and no further', async () => {
    const ada = await aPerson(app);
    const { organizationId } = ada;
    const limit = 30 * mebibyte + 1;
    await ada.send(LimitStorage, { id: organizationId, limit });
    const bytes = Buffer.alloc(10 * mebibyte, 'x');
    const uploads = await Promise.all(Array.from({ length: 3 }, () => anUpload(ada)));
    await Promise.all(uploads.map((upload) => put(upload, streamOf(bytes))));
    const { used, inFiles, reserved } = await storageOf(app, organizationId);
    expect([used, reserved]).toEqual([inFiles, 0]);
    expect(used).toBeLessThanOrEqual(limit);
    const [rest, over] = [limit - used, await anUpload(ada)];
    const refused = await put(over, streamOf(Buffer.alloc(rest + 1, 'x')));
    expect(refused).toMatchObject({ status: 507, body: { code: 'QUOTA_EXCEEDED', limit } });
    expect((await put(await anUpload(ada), streamOf(Buffer.alloc(rest, 'x')))).status).toBe(201);
    expect(await storageOf(app, organizationId)).toMatchObject({ used: limit, reserved: 0, inFiles: limit });
    expect((await ada.send(CreateUpload, { input: { organizationId, name: 'a' } })).data.createUpload.__typename).toBe(
      'QuotaExceeded',
    );
  });

  test('F29 a reservation comes back once, of twenty who end the upload at the same time', async () => {
    const ada = await aPerson(app);
    await aFile(ada, { bytes: 'hello' });
    const [upload] = [await anUpload(ada, { size: 1_000 }), await anUpload(ada, { size: 2_000 })];
    const ends = Array.from({ length: 20 }, () => ada.send(AbortUpload, { id: upload.id }));
    const states = (await Promise.all(ends)).map(({ data }) => data.abortUpload);
    for (const state of states) expect(state).toMatchObject({ upload: { state: 'ABORTED' } });
    expect(await storageOf(app, ada.organizationId)).toMatchObject({ used: 5, reserved: 2_000 });
    const ended = await app.platform.db.auditEntry.count({
      where: { action: 'upload.aborted', targetId: decodeId('Upload', upload.id) },
    });
    expect(ended).toBe(1);
  });
});
