import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cloneDatabase } from './support/database.ts';

let database: Awaited<ReturnType<typeof cloneDatabase>>;
let client: pg.Client;

/** Two tenants, each with a member, a session of theirs, and an export. */
const tenants = [0, 1].map(() => ({
  organizationId: randomUUID(),
  userId: randomUUID(),
  sessionId: randomUUID(),
  exportId: randomUUID(),
}));
const [own, other] = tenants as [(typeof tenants)[number], (typeof tenants)[number]];

async function aTenant({ organizationId, userId, sessionId, exportId }: (typeof tenants)[number]) {
  await client.query('INSERT INTO organizations (id, name, slug, created_at) VALUES ($1, $2, $2, now())', [
    organizationId,
    `o-${organizationId}`,
  ]);
  await client.query('INSERT INTO users (id, email, name, created_at) VALUES ($1, $2, $2, now())', [
    userId,
    `u-${userId}@example.com`,
  ]);
  await client.query(
    `INSERT INTO memberships (id, organization_id, user_id, role, joined_at) VALUES ($1, $2, $3, 'OWNER', now())`,
    [randomUUID(), organizationId, userId],
  );
  await client.query(
    `INSERT INTO sessions (id, user_id, method, refresh_digest, rotated_at, created_at, last_seen_at, expires_at, idle_expires_at, authenticated_at)
     VALUES ($1, $2, 'PASSWORD', $3, now(), now(), now(), now(), now(), now())`,
    [sessionId, userId, Buffer.from(sessionId)],
  );
  await anExport({ organizationId, requestedById: userId, id: exportId });
}

const anExport = ({ organizationId, requestedById, id = randomUUID() }: Record<string, string>) =>
  client.query(
    `INSERT INTO audit_exports (id, organization_id, requested_by_id, first_sequence, last_sequence, created_at, expires_at)
     VALUES ($1, $2, $3, 1, 0, now(), now())`,
    [id, organizationId, requestedById],
  );

const choose = (sessionId: string, organizationId: string) =>
  client.query('UPDATE sessions SET active_organization_id = $2 WHERE id = $1', [sessionId, organizationId]);

beforeAll(async () => {
  database = await cloneDatabase();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await aTenant(own);
  await aTenant(other);
});

afterAll(async () => {
  await client.end();
  await database.drop();
});

describe('the database', () => {
  test('F28 refuses a row of one tenant that points into another', async () => {
    const { organizationId } = own;
    await expect(anExport({ organizationId, requestedById: other.userId })).rejects.toThrow('requested_by_id_fkey');
    await expect(
      client.query('INSERT INTO audit_export_parts VALUES ($1, $2, 0, $3)', [organizationId, other.exportId, '']),
    ).rejects.toThrow('export_id_fkey');
    await expect(choose(own.sessionId, other.organizationId)).rejects.toThrow('sessions_active_membership_fkey');
  });

  test('F28 has no key from tenant to tenant that leaves the organization out', async () => {
    const { rows } = await client.query<{ key: string }>(`
      WITH tenant AS (
        SELECT attrelid AS id, attnum FROM pg_attribute
        WHERE attname = 'organization_id' AND attnum > 0 AND NOT attisdropped
      )
      SELECT c.conname AS key FROM pg_constraint c
      JOIN tenant f ON f.id = c.conrelid JOIN tenant t ON t.id = c.confrelid
      WHERE c.contype = 'f' AND NOT (f.attnum = ANY (c.conkey) AND t.attnum = ANY (c.confkey))`);
    expect(rows.map(({ key }) => key)).toEqual([]);
  });

  test('F28 forgets with a seat which organization a session acts in, and keeps the person', async () => {
    await choose(own.sessionId, own.organizationId);
    await client.query('DELETE FROM organizations WHERE id = $1', [own.organizationId]);
    const { rows } = await client.query('SELECT user_id, active_organization_id FROM sessions WHERE id = $1', [
      own.sessionId,
    ]);
    expect(rows).toEqual([{ user_id: own.userId, active_organization_id: null }]);
  });
});
