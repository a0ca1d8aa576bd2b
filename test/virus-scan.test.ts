import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sweepUploads } from '../src/domains/files/sweep.service.ts';
import { aClamd, eicar, type TestClamd } from './support/clamd.ts';
import { anUpload, expectNothingLeft, put, stateOf, storageOf } from './support/files.ts';
import { later } from './support/later.ts';
import { aPerson, startTestApp, type TestApp } from './support/world.ts';

let clamd: TestClamd;
beforeAll(async () => {
  clamd = await aClamd();
});
afterAll(() => clamd.close());

/** Half an hour later, as the sweep sees it. */
const muchLater = (app: TestApp) => later(app, 30 * 60_000);
const signal = new AbortController().signal;

async function scanned(environment: Record<string, string>, work: (app: TestApp) => Promise<void>) {
  const app = await startTestApp({ CLAMD_URL: clamd.url, JOB_RETRY_LIMIT: '0', ...environment });
  clamd.mode = 'scanning';
  await work(app).finally(() => app.close());
}

describe('a virus scan', () => {
  test('lets through what is clean, after it was seen whole', () =>
    scanned({}, async (app) => {
      const ada = await aPerson(app);
      const upload = await anUpload(ada);
      const before = clamd.received;
      const text = 'x'.repeat(500_000);
      expect(await put(upload, text)).toMatchObject({ status: 202, body: { state: 'SCANNING' } });
      await expect.poll(() => stateOf(ada, upload), { timeout: 20_000 }).toEqual(['READY', null]);
      expect(clamd.received - before).toBe(text.length);
      expect(await storageOf(app, ada.organizationId)).toMatchObject({ used: text.length, reserved: 0 });
    }));

  test('ends an upload with a virus, and leaves nothing', () =>
    scanned({}, async (app) => {
      const ada = await aPerson(app);
      const upload = await anUpload(ada, { size: eicar.length });
      expect((await put(upload, eicar)).status).toBe(202);
      await expect.poll(() => stateOf(ada, upload), { timeout: 20_000 }).toEqual(['QUARANTINED', 'INFECTED']);
      await expectNothingLeft(app, ada);
    }));

  test.each<[TestClamd['mode'], string, [string, string | null]]>([
    ['silent', 'on', ['QUARANTINED', 'NOT_SCANNED']],
    ['full', 'on', ['QUARANTINED', 'NOT_SCANNED']],
    ['silent', 'off', ['READY', null]],
  ])('that is %s, with CLAMD_FAIL_CLOSED %s, ends as %j', (mode, failClosed, end) =>
    scanned({ CLAMD_FAIL_CLOSED: failClosed }, async (app) => {
      clamd.mode = mode;
      const ada = await aPerson(app);
      const upload = await anUpload(ada);
      await put(upload, 'hello');
      const failures = () => app.logLines.filter(({ job, outcome }) => job === 'file.scan' && outcome === 'failed');
      await expect.poll(failures, { timeout: 20_000 }).toHaveLength(1);
      expect((await stateOf(ada, upload))[0]).toBe('SCANNING');
      await sweepUploads(muchLater(app), signal);
      expect(await stateOf(ada, upload)).toEqual(end);
      expect(await storageOf(app, ada.organizationId)).toMatchObject({ reserved: 0 });
    }),
  );
});
