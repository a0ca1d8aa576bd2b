/**
 * What a killed process was doing with files, all at once: bytes on their way, a scan, a picture that is made smaller. A
 * process that is started afterwards has it in order within a minute of the real clock. And on S3: a multipart upload that
 * nobody ends.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { afterEach, expect, test } from 'vitest';
import { removeOrphans, sweepUploads } from '../src/domains/files/sweep.service.ts';
import { decodeId } from '../src/platform/typeid.ts';
import { aClamd } from './support/clamd.ts';
import { cloneDatabase } from './support/database.ts';
import { anUpload, orphans, put, randomStream, slowly, stateOf, storageOf } from './support/files.ts';
import { later } from './support/later.ts';
import { endPrograms, runProgram } from './support/program.ts';
import { anS3Server, hasS3 } from './support/s3-server.ts';
import { aPerson, callerWith, type Person, startTestApp, type TestApp } from './support/world.ts';

const signal = new AbortController().signal;

afterEach(endPrograms);

/** A whole program that will die at this step, on a database and in a folder of its own, and one that is started after it. */
async function aDoomedProgram(step: string, variables: Record<string, string>) {
  const [database, dataDir] = [await cloneDatabase(), await mkdtemp(path.join(tmpdir(), 'gatehouse-doomed-'))];
  const words = [database.url, dataDir, step, JSON.stringify(variables)];
  const program = runProgram('test/support/doomed-api.ts', { PATH: process.env.PATH ?? '' }, words);
  const url = (await program.ready()) ?? '';
  return {
    app: { url } as TestApp,
    exit: program.exit,
    survivor: () =>
      startTestApp(
        { DATA_DIR: dataDir, ...variables },
        { beside: { databaseUrl: database.url }, roles: ['api', 'worker'] },
      ),
    async remove() {
      await database.drop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

const at = (person: Person, app: TestApp) => ({ ...person, ...callerWith(app, person.accessToken) });

async function evenness(app: TestApp, { organizationId }: Person) {
  const { used, inFiles, reserved, missingObjects } = await storageOf(app, organizationId);
  return { isEven: used === inFiles, reserved, missingObjects };
}
const even = { isEven: true, reserved: 0, missingObjects: 0 };

test('F29 within a minute everything of a killed process is released, or done', { timeout: 180_000 }, async () => {
  const clamd = await aClamd();
  clamd.hangsOn = 'please wait';
  const doomed = await aDoomedProgram('thumbnail', { CLAMD_URL: clamd.url });
  const [ada, bob, eve] = [await aPerson(doomed.app), await aPerson(doomed.app), await aPerson(doomed.app)];
  const sent = await anUpload(bob, { size: 100_000 });
  const cut = slowly(sent, 100_000).catch(() => 'cut');
  const scanned = await anUpload(eve);
  await put(scanned, 'please wait');
  await expect.poll(async () => (await stateOf(bob, sent))[0]).toBe('RECEIVING');
  await expect.poll(() => clamd.received).toBeGreaterThan(0);
  const picture = await anUpload(ada, { name: 'photo.png' });
  const bytes = await sharp({ create: { width: 1_500, height: 900, channels: 3, background: '#369' } })
    .png()
    .toBuffer();
  await put(picture, bytes).catch(() => null);
  expect(await doomed.exit).toBeNull();
  expect(await cut).toBe('cut');
  const killedAt = Date.now();

  clamd.hangsOn = null;
  const app = await doomed.survivor();
  const { db } = app.platform;
  const organizationId = decodeId('Organization', ada.organizationId) ?? '';
  const outcome = async () => [
    await stateOf(at(bob, app), sent),
    await stateOf(at(eve, app), scanned),
    await stateOf(at(ada, app), picture),
    await db.thumbnail.count({ where: { file: { organizationId } } }),
    ...(await Promise.all([ada, bob, eve].map((person) => evenness(app, person)))),
  ];
  const whole = [['FAILED', 'UPLOAD_CUT'], ['READY', null], ['READY', null], 3, even, even, even];
  await expect.poll(outcome, { timeout: 60_000, interval: 250 }).toEqual(whole);
  expect(Date.now() - killedAt).toBeLessThan(60_000);
  // The picture that was stored a moment before its row.
  expect((await orphans(app)).length).toBe(1);
  await removeOrphans(later(app, 3_700_000), signal);
  expect(await orphans(app)).toEqual([]);
  await app.close();
  await doomed.remove();
  await clamd.close();
});

if (hasS3)
  test('F29 on S3 the multipart upload of a killed process is ended', { timeout: 180_000 }, async () => {
    const server = await anS3Server();
    const { bucket, endpoint, region, accessKeyId, secretAccessKey } = server.config;
    const doomed = await aDoomedProgram('part', {
      S3_BUCKET: bucket,
      S3_ENDPOINT: endpoint ?? '',
      S3_REGION: region,
      S3_ACCESS_KEY_ID: accessKeyId,
      S3_SECRET_ACCESS_KEY: secretAccessKey,
    });
    const ada = await aPerson(doomed.app);
    const upload = await anUpload(ada, { name: 'big.bin' });
    await expect(put(upload, randomStream(24))).rejects.toThrow();
    expect(await doomed.exit).toBeNull();

    const app = await doomed.survivor();
    const { storage } = app.platform;
    const { storageKey } = await app.platform.db.upload.findFirstOrThrow({ where: { state: 'RECEIVING' } });
    const keys = [...(await storageOf(app, ada.organizationId)).keys];
    // Listed, and yet no object: a multipart upload that is open.
    expect([keys, await storage.size(storageKey ?? '')]).toEqual([[storageKey], null]);
    await sweepUploads(later(app, 11_000), signal);
    expect(await stateOf(at(ada, app), upload)).toEqual(['FAILED', 'UPLOAD_CUT']);
    expect([...(await storageOf(app, ada.organizationId)).keys]).toEqual([]);
    expect(await evenness(app, ada)).toEqual(even);
    await app.close();
    await doomed.remove();
    await server.remove();
  });
