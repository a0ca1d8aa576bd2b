/**
 * What row level security would cost on the lists of an organization: `npm run bench -- rls`. Three ways take turns in one run,
 * so that the ratios hold on a busy machine too: as it is; with policies and the organization set once for the connection,
 * which no pool could do; and with policies and the organization set in a transaction around each read.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { migrateDatabase } from '../src/commands/migrate.ts';
import { connectDb, type Db, type RootDb } from '../src/platform/db.ts';
import { startEmbeddedPostgres } from '../src/platform/embedded-postgres.ts';
import { createLogger } from '../src/platform/log.ts';

const organizations = 200;
const people = 50;
const entries = 200;
const rounds = 40;
const readsOfRound = 20;
const lanes = 8;

const seed = `
  INSERT INTO organizations (id, name, slug, created_at)
    SELECT gen_random_uuid(), 'o' || n, 'o-' || n, now() FROM generate_series(1, ${organizations}) n;
  INSERT INTO users (id, email, name, created_at)
    SELECT gen_random_uuid(), 'u' || n || '@example.com', 'u', now() FROM generate_series(1, ${organizations * people}) n;
  INSERT INTO memberships (id, organization_id, user_id, role, joined_at)
    SELECT gen_random_uuid(), o.id, u.id, 'MEMBER', now()
    FROM (SELECT id, row_number() OVER () - 1 AS at FROM users) u
    JOIN (SELECT id, row_number() OVER () - 1 AS at FROM organizations) o ON o.at = u.at / ${people};
  INSERT INTO invitations (id, organization_id, email, role, created_at, expires_at)
    SELECT gen_random_uuid(), o.id, 'g' || n || '@example.com', 'MEMBER', now(), now()
    FROM organizations o, generate_series(1, ${people}) n;
  INSERT INTO audit_entries (id, chain_id, sequence, action, actor_kind, metadata, created_at, previous_hash, hash)
    SELECT gen_random_uuid(), o.id, n, 'test.done', 'system', '{}', now(), '', '' FROM organizations o, generate_series(1, ${entries}) n;
  CREATE ROLE tenant_reader;
  GRANT SELECT ON ALL TABLES IN SCHEMA public TO tenant_reader;`;

const policies = Object.entries({
  memberships: 'organization_id',
  invitations: 'organization_id',
  audit_entries: 'chain_id',
})
  .map(
    ([table, column]) => `ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY;
      CREATE POLICY own ON ${table} USING (${column} = current_setting('app.organization_id')::uuid);`,
  )
  .join('\n');

const page = { orderBy: { id: 'asc' }, take: 21 } as const;

/** The lists that clients ask for most, as the services read them. */
const reads: Readonly<Record<string, (db: Db, organizationId: string) => Promise<unknown>>> = {
  members: (db, organizationId) =>
    db.membership.findMany({ where: { organizationId }, include: { user: true }, ...page }),
  invitations: (db, organizationId) => db.invitation.findMany({ where: { organizationId }, ...page }),
  auditLog: (db, chainId) => db.auditEntry.findMany({ where: { chainId }, orderBy: { sequence: 'desc' }, take: 21 }),
};

type Read = (typeof reads)[string];
type Way = (read: Read, organizationId: string) => Promise<unknown>;

function waysOf(plain: RootDb, fixed: RootDb, guarded: RootDb): Record<string, Way> {
  return {
    'as it is': (read, id) => read(plain, id),
    'policies alone': (read, id) => read(fixed, id),
    'policies and a transaction': (read, id) =>
      guarded.$transaction(async (tx) => {
        await tx.$executeRaw`SELECT set_config('app.organization_id', ${id}, true)`;
        return read(tx, id);
      }),
  };
}

/** Milliseconds for one round of reads, `lanes` at a time. */
async function timeOf(way: Way, read: Read, organizationId: string): Promise<number> {
  const begin = performance.now();
  const lane = async () => {
    for (let done = 0; done < readsOfRound; done += 1) await way(read, organizationId);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return performance.now() - begin;
}

function median(numbers: number[]): number {
  return numbers.toSorted((one, other) => one - other)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}

async function measure(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(seed);
  await client.query(policies);
  await client.query('ANALYZE');
  const { rows } = await client.query<{ id: string }>('SELECT id FROM organizations LIMIT 1');
  await client.end();
  const id = rows[0]?.id ?? '';
  const as = (options: string) => `${url}${url.includes('?') ? '&' : '?'}options=${encodeURIComponent(options)}`;
  const log = createLogger('warn');
  const plain = connectDb(url, log);
  const fixed = connectDb(as(`-c role=tenant_reader -c app.organization_id=${id}`), log);
  const guarded = connectDb(as('-c role=tenant_reader'), log);
  const ways = Object.entries(waysOf(plain.db, fixed.db, guarded.db));
  for (const [name, read] of Object.entries(reads)) {
    const times = new Map<string, number[]>(ways.map(([way]) => [way, []]));
    for (let round = -3; round < rounds; round += 1) {
      for (const [label, way] of ways) {
        const spent = await timeOf(way, read, id);
        if (round >= 0) times.get(label)?.push(spent);
      }
    }
    const base = median(times.get('as it is') ?? []);
    for (const [label] of ways) {
      const ms = median(times.get(label) ?? []);
      process.stdout.write(
        `${name}\t${label}\t${(ms / readsOfRound / lanes).toFixed(3)} ms a read\t× ${(ms / base).toFixed(2)}\n`,
      );
    }
  }
  await Promise.all([plain, fixed, guarded].map(({ db }) => db.$disconnect()));
}

const dataDir = await mkdtemp(path.join(tmpdir(), 'gatehouse-rls-'));
const server = await startEmbeddedPostgres({ dataDir, log: createLogger('warn'), fast: true });
try {
  await migrateDatabase(server.url);
  await measure(server.url);
} finally {
  await server.stop();
  await rm(dataDir, { recursive: true, force: true });
}
process.exit();
