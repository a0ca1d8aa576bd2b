import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { waitForMail } from './support/mailbox.ts';
import { RequestReset } from './support/own-account.ts';
import { aPostgresServer, type PostgresServer } from './support/postgres.ts';
import { endPrograms, type Program, runProgram } from './support/program.ts';
import { Ping } from './support/session-operations.ts';
import { aPerson, callerWith, type TestApp } from './support/world.ts';

let postgres: PostgresServer;
let program: Program;
let dataDir: string;

beforeAll(async () => {
  dataDir = await mkdtemp(path.join(tmpdir(), 'gatehouse-outage-'));
  postgres = await aPostgresServer();
  program = runProgram('src/main.ts', { PORT: '0', DATA_DIR: dataDir, DATABASE_URL: postgres.url, LOG_LEVEL: 'error' });
}, 120_000);
afterAll(async () => {
  await endPrograms();
  await postgres.remove();
  await rm(dataDir, { recursive: true, force: true });
});

test('a database that goes away is told, and its return heals all without a restart', {
  timeout: 120_000,
}, async () => {
  const app = { url: (await program.ready()) ?? '' } as TestApp;
  const health = async (route: 'live' | 'ready') => (await fetch(`${app.url}/health/${route}`)).status;
  const ada = await aPerson(app);
  expect([await health('live'), await health('ready')]).toEqual([200, 200]);

  await postgres.crash();
  expect([await health('live'), await health('ready')]).toEqual([200, 503]);
  expect((await ada.send(Ping)).codes).toEqual(['SERVICE_UNAVAILABLE']);

  await postgres.start();
  await expect.poll(() => health('ready'), { timeout: 20_000 }).toBe(200);
  expect((await ada.send(Ping)).data.viewer?.email).toBe(ada.email);
  // Written, woken up for, and run by the workers that were there before.
  await callerWith(app).send(RequestReset, { email: ada.email });
  await waitForMail(app, { to: ada.email, subject: 'Choose a new password' });
  program.kill('SIGTERM');
  expect(await program.exit).toBe(0);
});
