import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestProject } from 'vitest/node';
import { migrateDatabase } from '../../src/commands/migrate.ts';
import { startEmbeddedPostgres } from '../../src/platform/embedded-postgres.ts';
import { createLogger } from '../../src/platform/log.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** A migrated database that nobody connects to, for `cloneDatabase`. */
    templateUrl: string;
  }
}

/** One PostgreSQL for the whole run, with a migrated template; both are gone afterwards. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'gatehouse-tests-'));
  const server = await startEmbeddedPostgres({ dataDir, log: createLogger('warn'), fast: true });
  await migrateDatabase(server.url);
  project.provide('templateUrl', server.url);
  return async () => {
    await server.stop();
    await rm(dataDir, { recursive: true, force: true });
  };
}
