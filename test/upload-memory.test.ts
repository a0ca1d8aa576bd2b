import { readFile } from 'node:fs/promises';
import { afterEach, expect, test } from 'vitest';
import { anUpload, mebibyte, put, randomStream } from './support/files.ts';
import { endPrograms, runProgram } from './support/program.ts';
import { aPerson, useApp } from './support/world.ts';

const app = useApp();

afterEach(endPrograms);

test('F09 keeps its memory flat while 200 MiB go through', { timeout: 240_000 }, async () => {
  const ada = await aPerson(app);
  const { dataDir } = app.platform.config;
  const program = runProgram('src/main.ts', { DATABASE_URL: app.databaseUrl, DATA_DIR: dataDir, PORT: '0' }, ['api']);
  const url = await program.ready();
  const peakKiB = async () => Number(/VmHWM:\s+(\d+)/.exec(await readFile(`/proc/${program.pid}/status`, 'utf8'))?.[1]);
  const send = async (mebibytes: number) => {
    const upload = await anUpload(ada, { name: 'big.bin', size: mebibytes * mebibyte });
    return put({ ...upload, url: upload.url.replace(app.url, url ?? '') }, randomStream(mebibytes));
  };
  expect((await send(8)).status).toBe(201);
  const before = await peakKiB();
  expect((await send(200)).status).toBe(201);
  expect((await peakKiB()) - before).toBeLessThan(100 * 1024);
  program.kill('SIGTERM');
  expect(await program.exit).toBe(0);
});
