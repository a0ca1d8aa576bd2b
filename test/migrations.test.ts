import { randomUUID } from 'node:crypto';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { migrateDatabase } from '../src/commands/migrate.ts';
import {
  applyMigrations,
  diffAgainstMigrations,
  dumpMigrations,
  prismaFolder,
  writeMigration,
} from '../src/platform/migrations.ts';
import { dumpSchema } from '../src/platform/schema-dump.ts';
import { withScratchDatabase } from '../src/platform/schema-engine.ts';
import { cloneDatabase } from './support/database.ts';

let database: Awaited<ReturnType<typeof cloneDatabase>>;
let client: pg.Client;
let folder: string;

beforeAll(async () => {
  database = await cloneDatabase();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  folder = await mkdtemp(path.join(tmpdir(), 'gatehouse-prisma-'));
  await cp(prismaFolder, folder, { recursive: true });
});

afterAll(async () => {
  await client.end();
  await database.drop();
  await rm(folder, { recursive: true });
});

describe('migrations', () => {
  test('make what schema.prisma says', async () => {
    expect(await diffAgainstMigrations(database.url)).toBe('');
  });

  test('make what schema.sql shows', async () => {
    expect(await dumpMigrations(database.url)).toBe(await readFile(path.join(prismaFolder, 'schema.sql'), 'utf8'));
  });

  test('are applied once, also by programs that start together', async () => {
    await withScratchDatabase(database.url, async (url) => {
      const applied = await Promise.all([migrateDatabase(url), migrateDatabase(url), migrateDatabase(url)]);
      expect(applied.map((names) => names.length > 0).sort()).toEqual([false, false, true]);
      expect(await migrateDatabase(url)).toEqual([]);
    });
  });

  test('follow from a change of schema.prisma, functions included', async () => {
    const schema = path.join(folder, 'schema.prisma');
    const model =
      '\nmodel Gate {\n  id String @id @db.Uuid\n  name String @unique(map: "gates_name_key")\n  @@map("gates")\n}\n';
    await writeFile(schema, (await readFile(schema, 'utf8')) + model);

    const file = await writeMigration(database.url, 'add_gates', folder);

    expect(path.basename(path.dirname(file ?? ''))).toMatch(/^\d{14}_add_gates$/);
    expect(await readFile(file ?? '', 'utf8')).toContain('CREATE TABLE "gates"');
    expect(await readFile(path.join(folder, 'schema.sql'), 'utf8')).toContain('CREATE UNIQUE INDEX gates_name_key');
    expect(await writeMigration(database.url, 'add_gates', folder)).toBeNull();
    expect(await applyMigrations(database.url, folder)).toEqual([path.basename(path.dirname(file ?? ''))]);
    expect(await dumpSchema(database.url)).toBe(await readFile(path.join(folder, 'schema.sql'), 'utf8'));
  });

  test('that fail say what PostgreSQL said, leave nothing and are tried again', async () => {
    const file = path.join(folder, 'migrations', '29990101000000_later', 'migration.sql');
    await mkdir(path.dirname(file));
    await withScratchDatabase(database.url, async (url) => {
      await writeFile(file, 'CREATE TABLE left_over (id int); SELECT not_there();');
      await expect(applyMigrations(url, folder)).rejects.toThrow(/^29990101000000_later: .*function not_there\(\)/);
      await writeFile(file, 'CREATE TABLE left_over (id int);');
      expect(await applyMigrations(url, folder)).toEqual(['29990101000000_later']);
    });
  });
});

describe('the database', () => {
  const user = (email: string) =>
    client.query('INSERT INTO users (id, email, name, created_at) VALUES ($1, $2, $3, now())', [
      randomUUID(),
      email,
      'A',
    ]);

  test('F24 keeps addresses in lower case only', async () => {
    await user('someone@example.com');
    await expect(user('Someone@example.com')).rejects.toThrow('users_email_canonical_check');
    await expect(user('someone@example.com')).rejects.toThrow('users_email_key');
  });

  test.each([
    'UPDATE audit_entries SET action = action',
    'DELETE FROM audit_entries',
    'TRUNCATE audit_entries',
    'UPDATE audit_checkpoints SET hash = hash',
    'DELETE FROM audit_checkpoints',
    'TRUNCATE audit_checkpoints',
  ])('refuses %s', async (sql) => {
    await expect(client.query(sql)).rejects.toThrow('only grows');
  });
});
