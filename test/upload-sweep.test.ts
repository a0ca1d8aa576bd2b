import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
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
import { later } from './support/later.ts';
import { endPrograms, runProgram } from './support/program.ts';
import { aPerson, callerWith, type Person, useApp } from './support/world.ts';

const app = useApp();
const signal = new AbortController().signal;
const second = 1_000;
const day = 86_400 * second;
const patience = { timeout: 20_000, interval: 20 };

const TrashOld = graphql(`mutation TrashOld($id: ID!) { trashFile(input: { id: $id }) { __typename } }`);
const PurgeDoomed = graphql(`mutation PurgeDoomed($id: ID!) { purgeFile(input: { id: $id }) { __typename } }`);
const DeleteWhole = graphql(`mutation DeleteWhole($id: ID!) { deleteOrganization(input: { id: $id }) { __typename } }`);

/** As a job would see it after so long. */

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

/** What a process is at when it is killed. */
interface Work {
  readonly what: string;
  /** Where in its storage. */
  readonly step: string;
  readonly begin: (person: Person, url: string) => Promise<{ upload?: OpenUpload; done: Promise<unknown> }>;
  /** What becomes of the upload, and how many files there are then. */
  readonly end: readonly (string | null)[] | null;
  readonly files: number;
}

const putting = (size: number | null) => async (person: Person, url: string) => {
  const upload = await anUpload(person, { size });
  const target = { ...upload, url: upload.url.replace(app.url, url) };
  return { upload, done: put(target, streamOf(Buffer.alloc(mebibyte, 'x'))) };
};
const patching = async (person: Person, url: string) => {
  const upload = await anUpload(person, { size: mebibyte });
  return { upload, done: patchAll(upload, url) };
};
const aborting = async (person: Person, url: string) => {
  const upload = await anUpload(person, { size: 100_000 });
  const sending = slowly(upload, 100_000);
  await vi.waitUntil(async () => (await stateOf(person, upload))[0] === 'RECEIVING', patience);
  const aborted = callerWith({ url }, person.accessToken).send(AbortUpload, { id: upload.id });
  return { upload, done: Promise.all([aborted, sending]) };
};
const purging = async (person: Person, url: string) => {
  const [id] = [await aFile(person), await aFile(person)];
  return { done: callerWith({ url }, person.accessToken).send(PurgeDoomed, { id }) };
};
const cut = ['FAILED', 'UPLOAD_CUT'];
const ready = ['READY', null];

const works: Work[] = [
  { what: 'an upload', step: 'claimed', begin: putting(mebibyte), end: cut, files: 0 },
  { what: 'an upload', step: 'bytes', begin: putting(null), end: cut, files: 0 },
  { what: 'an upload', step: 'stored', begin: putting(mebibyte), end: cut, files: 0 },
  { what: 'a whole resumable upload', step: 'appended', begin: patching, end: ready, files: 1 },
  { what: 'a whole resumable upload', step: 'finishing', begin: patching, end: ready, files: 1 },
  { what: 'a whole resumable upload', step: 'finished', begin: patching, end: ready, files: 1 },
  { what: 'an abort', step: 'removing', begin: aborting, end: ['ABORTED', null], files: 0 },
  { what: 'an abort', step: 'removed', begin: aborting, end: ['ABORTED', null], files: 0 },
  { what: 'a purge', step: 'removing', begin: purging, end: null, files: 1 },
  { what: 'a purge', step: 'removed', begin: purging, end: null, files: 1 },
  // Its client may come again, for a day.
  { what: 'a part of a resumable upload', step: 'bytes', begin: patching, end: ['EXPIRED', null], files: 0 },
];

interface Left {
  readonly person: Person;
  readonly upload: OpenUpload | undefined;
  /** Right after the kill. */
  readonly state: string | null | undefined;
}

/** Brings one process to all these places, each for a person of its own, and kills it there. */
async function killedAtAll(): Promise<Left[]> {
  const { dataDir } = app.platform.config;
  const tell = (text: string) => writeFile(path.join(dataDir, 'doom'), text);
  await tell('nothing');
  const environment = { PATH: process.env.PATH ?? '' };
  const doomed = runProgram('test/support/doomed-api.ts', environment, [app.databaseUrl, dataDir, 'as told']);
  const url = (await doomed.ready()) ?? '';
  const left: Omit<Left, 'state'>[] = [];
  const ends: Promise<unknown>[] = [];
  for (const [at, { step, begin }] of works.entries()) {
    const person = await aPerson(app);
    await tell(`${step} ${at}`);
    const { upload, done } = await begin(person, url);
    ends.push(
      done.then(
        () => 'done',
        () => 'broken off',
      ),
    );
    await vi.waitUntil(() => doomed.stdout().includes(`reached ${at}\n`), patience);
    left.push({ person, upload });
  }
  doomed.kill('SIGKILL');
  expect(await doomed.exit).toBeNull();
  expect(new Set(await Promise.all(ends))).toEqual(new Set(['broken off']));
  return Promise.all(
    left.map(async (one) => ({ ...one, state: one.upload && (await stateOf(one.person, one.upload))[0] })),
  );
}

describe('F29 a process killed', () => {
  let left: Left[];
  beforeAll(async () => {
    left = await killedAtAll();
    await sweepUploads(later(app, 11 * second), signal);
  }, 180_000);
  afterAll(endPrograms);

  test.each(works.map((work, at) => [work.step, work.what, at, work] as const))(
    'at the step "%s" of %s leaves what it should',
    async (_step, what, at, { end, files }) => {
      const { person, upload, state } = left[at] as Left;
      expect(state).toBe(upload && (what === 'an abort' ? 'ABORTED' : 'RECEIVING'));
      if (end?.[0] === 'EXPIRED') {
        expect((await stateOf(person, upload as OpenUpload))[0]).toBe('RECEIVING');
        await sweepUploads(later(app, day + second), signal);
      }
      if (upload) expect(await stateOf(person, upload)).toEqual(end);
      await expectEven(person, files);
    },
  );
});

describe('the sweep', () => {
  test('lets an upload be whose bytes come', async () => {
    const ada = await aPerson(app);
    const upload = await anUpload(ada, { size: 100_000 });
    const sending = slowly(upload, 100_000);
    await expect.poll(async () => (await stateOf(ada, upload))[0]).toBe('RECEIVING');
    await sweepUploads(later(app, 8 * second), signal);
    expect((await stateOf(ada, upload))[0]).toBe('RECEIVING');
    await ada.send(AbortUpload, { id: upload.id });
    await sending;
  });

  test('ends uploads after 24 hours, and their rows a month later', async () => {
    const ada = await aPerson(app);
    const upload = await anUpload(ada, { size: 100 });
    await sweepUploads(later(app, day - 60 * second), signal);
    expect(await stateOf(ada, upload)).toEqual(['PENDING', null]);
    await sweepUploads(later(app, day + second), signal);
    expect(await stateOf(ada, upload)).toEqual(['EXPIRED', null]);
    expect(await put(upload, 'x'.repeat(100))).toMatchObject({ status: 410, body: { code: 'UPLOAD_EXPIRED' } });
    await expectEven(ada, 0);
    await sweepUploads(later(app, 32 * day), signal);
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
  await purgeOldTrash(later(app, 30 * day - 60 * second), signal);
  await expectEven(ada, 2);
  await purgeOldTrash(later(app, 30 * day + second), signal);
  await expectEven(ada, 1);
  expect(await app.platform.db.file.count({ where: { id: decodeId('File', kept) ?? '' } })).toBe(1);
});

test('objects without rows are removed once they are an hour old, and told to the log', async () => {
  const ada = await aPerson(app);
  await aFile(ada);
  const key = newStorageKey();
  await app.platform.storage.put(key, [Buffer.from('lost')] as never);
  await removeOrphans(later(app, 0), signal);
  expect(await orphans(app)).toEqual([key]);
  await removeOrphans(later(app, 3_700 * second), signal);
  await expectEven(ada, 1);
  expect(app.logLines).toContainEqual(expect.objectContaining({ storageKey: key }));
});

test('the reconciliation puts right what has drifted, and tells of files without their bytes', async () => {
  const ada = await aPerson(app);
  const [, lost] = [await aFile(ada, { bytes: 'hello' }), await aFile(ada, { bytes: 'gone' })];
  const organizationId = decodeId('Organization', ada.organizationId) ?? '';
  await anUpload(ada, { size: 100 });
  const reports = () => app.logLines.filter(({ msg }) => msg === 'the storage was reconciled');
  await reconcileStorage(later(app, 0), signal);
  expect(reports().at(-1)).toMatchObject({ drifted: 0 });
  await app.platform.db.storageUsage.update({ where: { organizationId }, data: { usedBytes: 7, reservedBytes: 8 } });
  const { storageKey } = await app.platform.db.file.findUniqueOrThrow({ where: { id: decodeId('File', lost) ?? '' } });
  await app.platform.storage.remove(storageKey);
  await reconcileStorage(later(app, 0), signal);
  expect(reports().at(-1)).toMatchObject({ level: 'error', drifted: 1, lost: 1 });
  expect(await storageOf(app, ada.organizationId)).toMatchObject({ used: 9, reserved: 100 });
  const entry = await app.platform.db.auditEntry.findFirst({
    where: { action: 'storage.corrected', targetId: organizationId },
  });
  expect(entry?.metadata).toEqual({ usedBefore: 7, usedAfter: 9, reservedBefore: 8, reservedAfter: 100 });
  expect(app.logLines).toContainEqual(expect.objectContaining({ fileId: lost, level: 'error' }));
});
