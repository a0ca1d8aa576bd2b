import { afterEach, describe, expect, test } from 'vitest';
import { systemCtx } from '../src/context.ts';
import { purgeOldTrash } from '../src/domains/files/files.service.ts';
import { reconcileStorage } from '../src/domains/files/reconciliation.service.ts';
import { removeOrphans, sweepUploads } from '../src/domains/files/sweep.service.ts';
import { newStorageKey } from '../src/platform/storage/storage.ts';
import { decodeId } from '../src/platform/typeid.ts';
import { graphql } from './generated/gql.ts';
import {
  AbortUpload,
  aFile,
  anUpload,
  mebibyte,
  type OpenUpload,
  orphans,
  put,
  slowly,
  stateOf,
  storageOf,
  streamOf,
} from './support/files.ts';
import { endPrograms, runProgram } from './support/program.ts';
import { aPerson, callerWith, type Person, useApp } from './support/world.ts';

const app = useApp();
const signal = new AbortController().signal;
const second = 1_000;
const day = 86_400 * second;

afterEach(endPrograms);

const TrashOld = graphql(`mutation TrashOld($id: ID!) { trashFile(input: { id: $id }) { __typename } }`);
const PurgeDoomed = graphql(`mutation PurgeDoomed($id: ID!) { purgeFile(input: { id: $id }) { __typename } }`);
const DeleteWhole = graphql(`mutation DeleteWhole($id: ID!) { deleteOrganization(input: { id: $id }) { __typename } }`);

/** As a job would see it after so long. */
const later = (ms: number) => ({ ...systemCtx(app.platform), now: () => new Date(Date.now() + ms) });

/** A process that dies at this step of its storage. */
async function aDoomedApi(step: string) {
  const { dataDir } = app.platform.config;
  const program = runProgram('test/support/doomed-api.ts', { PATH: process.env.PATH ?? '' }, [
    app.databaseUrl,
    dataDir,
    step,
  ]);
  const url = (await program.ready()) ?? '';
  return { url, exit: program.exit, kill: program.kill };
}

/** All bytes of an upload in one request of tus. */
const patchAll = ({ tusUrl, token }: OpenUpload, url: string) =>
  fetch(tusUrl.replace(app.url, url), {
    method: 'PATCH',
    headers: {
      authorization: `Upload ${token}`,
      'tus-resumable': '1.0.0',
      'upload-offset': '0',
      'content-type': 'application/offset+octet-stream',
    },
    body: 'x'.repeat(mebibyte),
  });

/** Used is the sum of the sizes, nothing is reserved, and neither side has what the other lacks. */
async function expectEven(person: Person, files: number) {
  const { used, inFiles, reserved, missingObjects } = await storageOf(app, person.organizationId);
  const rows = { organizationId: decodeId('Organization', person.organizationId) ?? '' };
  expect({ used, reserved, missingObjects, files: await app.platform.db.file.count({ where: rows }) }).toEqual({
    used: inFiles,
    reserved: 0,
    missingObjects: 0,
    files,
  });
  expect(await orphans(app)).toEqual([]);
  expect(await app.platform.db.discardedObject.count()).toBe(0);
}

describe('F29 a process killed', () => {
  test.each([
    ['claimed', mebibyte],
    ['bytes', null],
    ['stored', mebibyte],
  ])('at the step "%s" of an upload leaves nothing after the sweep', async (step, size) => {
    const ada = await aPerson(app);
    const upload = await anUpload(ada, { size });
    const doomed = await aDoomedApi(step);
    const target = { ...upload, url: upload.url.replace(app.url, doomed.url) };
    await expect(put(target, streamOf(Buffer.alloc(mebibyte, 'x')))).rejects.toThrow();
    expect(await doomed.exit).toBeNull();
    expect((await stateOf(ada, upload))[0]).toBe('RECEIVING');
    expect((await storageOf(app, ada.organizationId)).reserved).toBeGreaterThan(0);
    await sweepUploads(later(11 * second), signal);
    expect(await stateOf(ada, upload)).toEqual(['FAILED', 'UPLOAD_CUT']);
    await expectEven(ada, 0);
  });

  test.each(['appended', 'finishing', 'finished'])(
    'at the step "%s" of a resumable upload whose bytes are all there leaves a file',
    async (step) => {
      const ada = await aPerson(app);
      const upload = await anUpload(ada, { size: mebibyte });
      const doomed = await aDoomedApi(step);
      await expect(patchAll(upload, doomed.url)).rejects.toThrow();
      expect(await doomed.exit).toBeNull();
      expect((await stateOf(ada, upload))[0]).toBe('RECEIVING');
      await sweepUploads(later(11 * second), signal);
      expect(await stateOf(ada, upload)).toEqual(['READY', null]);
      await expectEven(ada, 1);
    },
  );

  test('inside a part of a resumable upload leaves it to its client, and nothing after a day', async () => {
    const ada = await aPerson(app);
    const upload = await anUpload(ada, { size: mebibyte });
    const doomed = await aDoomedApi('bytes');
    await expect(patchAll(upload, doomed.url)).rejects.toThrow();
    await doomed.exit;
    await sweepUploads(later(11 * second), signal);
    expect((await stateOf(ada, upload))[0]).toBe('RECEIVING');
    await sweepUploads(later(day + second), signal);
    expect(await stateOf(ada, upload)).toEqual(['EXPIRED', null]);
    await expectEven(ada, 0);
  });

  test.each(['removing', 'removed'])('at the step "%s" of an abort leaves nothing', async (step) => {
    const ada = await aPerson(app);
    const doomed = await aDoomedApi(step);
    const upload = await anUpload(ada, { size: 100_000 });
    const sending = slowly(upload, 100_000);
    await expect.poll(async () => (await stateOf(ada, upload))[0]).toBe('RECEIVING');
    await expect(callerWith(doomed, ada.accessToken).send(AbortUpload, { id: upload.id })).rejects.toThrow();
    await sending;
    expect(await stateOf(ada, upload)).toEqual(['ABORTED', null]);
    await sweepUploads(later(0), signal);
    await expectEven(ada, 0);
  });

  test.each(['removing', 'removed'])('at the step "%s" of a purge leaves nothing', async (step) => {
    const ada = await aPerson(app);
    const [id] = [await aFile(ada), await aFile(ada)];
    const doomed = await aDoomedApi(step);
    await expect(callerWith(doomed, ada.accessToken).send(PurgeDoomed, { id })).rejects.toThrow();
    await sweepUploads(later(0), signal);
    await expectEven(ada, 1);
  });

  test('once its file is made leaves the file', async () => {
    const ada = await aPerson(app);
    const doomed = await aDoomedApi('never');
    const upload = await anUpload(ada);
    await put({ ...upload, url: upload.url.replace(app.url, doomed.url) }, 'hello');
    doomed.kill('SIGKILL');
    await doomed.exit;
    await sweepUploads(later(11 * second), signal);
    expect(await stateOf(ada, upload)).toEqual(['READY', null]);
    await expectEven(ada, 1);
  });
});

describe('the sweep', () => {
  test('lets an upload be whose bytes come', async () => {
    const ada = await aPerson(app);
    const upload = await anUpload(ada, { size: 100_000 });
    const sending = slowly(upload, 100_000);
    await expect.poll(async () => (await stateOf(ada, upload))[0]).toBe('RECEIVING');
    await sweepUploads(later(8 * second), signal);
    expect((await stateOf(ada, upload))[0]).toBe('RECEIVING');
    await ada.send(AbortUpload, { id: upload.id });
    await sending;
  });

  test('ends uploads after 24 hours, and their rows a month later', async () => {
    const ada = await aPerson(app);
    const upload = await anUpload(ada, { size: 100 });
    await sweepUploads(later(day - 60 * second), signal);
    expect(await stateOf(ada, upload)).toEqual(['PENDING', null]);
    await sweepUploads(later(day + second), signal);
    expect(await stateOf(ada, upload)).toEqual(['EXPIRED', null]);
    expect(await put(upload, 'x'.repeat(100))).toMatchObject({ status: 410, body: { code: 'UPLOAD_EXPIRED' } });
    await expectEven(ada, 0);
    await sweepUploads(later(32 * day), signal);
    expect(await stateOf(ada, upload)).toEqual([undefined, undefined]);
  });

  test('runs by itself, also for what an organization leaves behind', async () => {
    const ada = await aPerson(app);
    await aFile(ada, { bytes: 'x'.repeat(1_000) });
    await ada.send(DeleteWhole, { id: ada.organizationId });
    expect((await orphans(app)).length).toBe(1);
    await expect.poll(() => orphans(app), { timeout: 45_000, interval: 500 }).toEqual([]);
  });
});

test('the trash is purged after 30 days, what was restored in time is not', async () => {
  const ada = await aPerson(app);
  const [old, kept] = [await aFile(ada), await aFile(ada)];
  await ada.send(TrashOld, { id: old });
  await purgeOldTrash(later(30 * day - 60 * second), signal);
  await expectEven(ada, 2);
  await purgeOldTrash(later(30 * day + second), signal);
  await expectEven(ada, 1);
  expect(await app.platform.db.file.count({ where: { id: decodeId('File', kept) ?? '' } })).toBe(1);
});

test('objects without rows are removed once they are an hour old, and told to the log', async () => {
  const ada = await aPerson(app);
  await aFile(ada);
  const key = newStorageKey();
  await app.platform.storage.put(key, [Buffer.from('lost')] as never);
  await removeOrphans(later(0), signal);
  expect(await orphans(app)).toEqual([key]);
  await removeOrphans(later(3_700 * second), signal);
  await expectEven(ada, 1);
  expect(app.logLines).toContainEqual(expect.objectContaining({ storageKey: key }));
});

test('the reconciliation puts right what has drifted, and tells of files without their bytes', async () => {
  const ada = await aPerson(app);
  const [, lost] = [await aFile(ada, { bytes: 'hello' }), await aFile(ada, { bytes: 'gone' })];
  const organizationId = decodeId('Organization', ada.organizationId) ?? '';
  await anUpload(ada, { size: 100 });
  const reports = () => app.logLines.filter(({ msg }) => msg === 'the storage was reconciled');
  await reconcileStorage(later(0), signal);
  expect(reports().at(-1)).toMatchObject({ drifted: 0 });
  await app.platform.db.storageUsage.update({ where: { organizationId }, data: { usedBytes: 7, reservedBytes: 8 } });
  const { storageKey } = await app.platform.db.file.findUniqueOrThrow({ where: { id: decodeId('File', lost) ?? '' } });
  await app.platform.storage.remove(storageKey);
  await reconcileStorage(later(0), signal);
  expect(reports().at(-1)).toMatchObject({ level: 'error', drifted: 1, lost: 1 });
  expect(await storageOf(app, ada.organizationId)).toMatchObject({ used: 9, reserved: 100 });
  const entry = await app.platform.db.auditEntry.findFirst({
    where: { action: 'storage.corrected', targetId: organizationId },
  });
  expect(entry?.metadata).toEqual({ usedBefore: 7, usedAfter: 9, reservedBefore: 8, reservedAfter: 100 });
  expect(app.logLines).toContainEqual(expect.objectContaining({ fileId: lost, level: 'error' }));
});
