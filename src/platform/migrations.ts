import fs from 'node:fs/promises';
import path from 'node:path';
import type { MigrationDirectory, MigrationList } from '@prisma/schema-engine-wasm';
import { dumpSchema } from './schema-dump.ts';
import { withSchemaEngine, withScratchDatabase } from './schema-engine.ts';

/** Where `schema.prisma`, `schema.sql` and `migrations/` are. */
export const prismaFolder = path.resolve(import.meta.dirname, '../../prisma');

const filters = { externalTables: [], externalEnums: [] };
const changesFound = 2;

/**
 * Applies, in order, the migrations that the database lacks; gives their names. One that failed, or whose program was
 * killed, has left nothing behind, because each is sent as one query and so is one transaction: it is tried again.
 */
export async function applyMigrations(databaseUrl: string, folder = prismaFolder): Promise<string[]> {
  const migrationsList = await readMigrations(folder);
  return withSchemaEngine(databaseUrl, async (engine) => {
    const history = await engine.diagnoseMigrationHistory({ migrationsList, filters, optInToShadowDatabase: false });
    for (const migrationName of history.failedMigrationNames) await engine.markMigrationRolledBack({ migrationName });
    const { appliedMigrationNames } = await engine.applyMigrations({ migrationsList, filters });
    return appliedMigrationNames;
  });
}

/**
 * The SQL that would bring what the migrations make to what `schema.prisma` says; empty when they agree. The database
 * only lends its server for a shadow database.
 */
export async function diffAgainstMigrations(databaseUrl: string, folder = prismaFolder): Promise<string> {
  const schemaFile = path.join(folder, 'schema.prisma');
  const files = [{ path: schemaFile, content: await fs.readFile(schemaFile, 'utf8') }];
  const migrationsList = await readMigrations(folder);
  return withSchemaEngine(databaseUrl, async (engine) => {
    const { exitCode, stdout } = await engine.diff({
      from: { tag: 'migrations', ...migrationsList },
      to: { tag: 'schemaDatamodel', files },
      script: true,
      exitCode: true,
      filters,
    });
    return exitCode === changesFound ? (stdout ?? '') : '';
  });
}

/** The schema that all migrations together make, as SQL; see `dumpSchema`. */
export async function dumpMigrations(databaseUrl: string, folder = prismaFolder): Promise<string> {
  return withScratchDatabase(databaseUrl, async (scratchUrl) => {
    await applyMigrations(scratchUrl, folder);
    return dumpSchema(scratchUrl);
  });
}

/**
 * Writes the difference between migrations and `schema.prisma` as a new migration; null when there is none. Then brings
 * `schema.sql` up to date.
 */
export async function writeMigration(databaseUrl: string, name: string, folder = prismaFolder): Promise<string | null> {
  const sql = await diffAgainstMigrations(databaseUrl, folder);
  const moment = new Date().toISOString().replace(/\D/g, '').slice(0, 14);
  const file = sql ? path.join(folder, 'migrations', `${moment}_${name}`, 'migration.sql') : null;
  if (file) {
    await fs.mkdir(path.dirname(file));
    await fs.writeFile(file, `${sql.trim()}\n`);
  }
  await fs.writeFile(path.join(folder, 'schema.sql'), await dumpMigrations(databaseUrl, folder));
  return file;
}

async function readMigrations(folder: string): Promise<MigrationList> {
  const baseDir = path.join(folder, 'migrations');
  const lockfile = 'migration_lock.toml';
  const entries = await fs.readdir(baseDir, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  return {
    baseDir,
    lockfile: { path: lockfile, content: await fs.readFile(path.join(baseDir, lockfile), 'utf8') },
    shadowDbInitScript: '',
    migrationDirectories: await Promise.all(names.sort().map((name) => readMigration(baseDir, name))),
  };
}

async function readMigration(baseDir: string, name: string): Promise<MigrationDirectory> {
  const file = 'migration.sql';
  const value = await fs.readFile(path.join(baseDir, name, file), 'utf8');
  return { path: name, migrationFile: { path: file, content: { tag: 'ok', value } } };
}
