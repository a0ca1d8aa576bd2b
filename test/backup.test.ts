/** Back-up and restore as docs/operations.md says: a copy of the stopped database, the folder of files and the keys. */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { startApp } from '../src/app.ts';
import { migrateDatabase } from '../src/commands/migrate.ts';
import { readConfig } from '../src/config.ts';
import { createLogger } from '../src/platform/log.ts';
import { aFile } from './support/files.ts';
import { aPostgresServer, type PostgresServer } from './support/postgres.ts';
import { aPerson, type Person, signIn, type TestApp } from './support/world.ts';

const run = promisify(execFile);
const copy = (from: string, to: string) => run('cp', ['-a', from, to]);
let postgres: PostgresServer;
let base: string;

afterAll(async () => {
  await postgres?.remove();
  if (base) await rm(base, { recursive: true, force: true });
});

async function start(dataDir: string, more: Record<string, string> = {}) {
  const environment = { PORT: '0', DATA_DIR: dataDir, DATABASE_URL: postgres.url, RATE_LIMIT_SCALE: '1000', ...more };
  const app = await startApp(readConfig(environment), {
    databaseUrl: postgres.url,
    roles: ['api', 'worker'],
    log: createLogger('silent'),
    passwordCost: { memoryKiB: 1024, passes: 2 },
    timeFloorMs: 0,
  });
  return { app: { url: app.url ?? '' } as TestApp, stop: app.close };
}

/** What a download of a file answers; null for a file that is not there. */
async function bytesOf(person: Person, id: string): Promise<string | null> {
  const document = `{ node(id: "${id}") { ... on File { downloadUrl } } }`;
  const { data } = await person.send<{ node: { downloadUrl: string } | null }, unknown>(document);
  if (!data.node) return null;
  const answer = await fetch(data.node.downloadUrl);
  return `${answer.status} ${answer.ok ? await answer.text() : ''}`;
}

async function objectsIn(dataDir: string): Promise<string[]> {
  const entries = await readdir(path.join(dataDir, 'files'), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
}

test('a back-up brings back people, files and keys; what came after it is gone, and its bytes are cleaned up', {
  timeout: 180_000,
}, async () => {
  base = await mkdtemp(path.join(tmpdir(), 'gatehouse-backup-'));
  const dataDir = path.join(base, 'data');
  postgres = await aPostgresServer();
  await migrateDatabase(postgres.url);
  const before = await start(dataDir);
  const ada = await aPerson(before.app);
  const kept = await aFile(ada, { name: 'kept.txt', bytes: 'before the back-up' });
  await before.stop();

  await postgres.crash();
  await copy(postgres.folder, path.join(base, 'backup-postgres'));
  await copy(dataDir, path.join(base, 'backup-data'));
  await postgres.start();

  const after = await start(dataDir);
  const again = await signIn(after.app, ada);
  const later = await aFile(again, { name: 'later.txt', bytes: 'after the back-up' });
  const stranger = await aPerson(after.app, { name: 'Later' });
  await after.stop();

  // The disaster. The files are of a later moment than the database, as when they are copied second.
  await postgres.crash();
  await rm(postgres.folder, { recursive: true });
  await copy(path.join(base, 'backup-postgres'), postgres.folder);
  await postgres.start();

  const restored = await start(dataDir, { TEST_CLOCK_OFFSET_SECONDS: '7200' });
  const back = await signIn(restored.app, ada);
  expect(await bytesOf(back, kept)).toBe('200 before the back-up');
  expect(await bytesOf(back, later)).toBeNull();
  await expect(signIn(restored.app, stranger)).rejects.toThrow('InvalidCredentials');
  // An hourly job takes the bytes that no row knows, once they are an hour old.
  await expect.poll(async () => (await objectsIn(dataDir)).length, { timeout: 30_000 }).toBe(1);

  // The other way round, files older than the database: the row is there, its bytes are not.
  await rm(path.join(dataDir, 'files'), { recursive: true });
  expect(await bytesOf(back, kept)).toBe('500 ');
  await copy(path.join(base, 'backup-data', 'files'), path.join(dataDir, 'files'));
  expect(await bytesOf(back, kept)).toBe('200 before the back-up');
  await restored.stop();
});
