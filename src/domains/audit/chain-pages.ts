import type { Ctx } from '../../context.ts';
import type { AuditEntry } from '../../generated/prisma/client.ts';

const pageSize = 500;

export interface Head {
  readonly sequence: bigint;
  readonly hash: Uint8Array;
}

interface Row extends Omit<AuditEntry, 'sequence'> {
  /** Null in the one row of a page without entries. */
  readonly sequence: bigint | null;
  readonly headSequence: bigint | null;
  readonly headHash: Uint8Array | null;
}

/**
 * The next entries of a chain in their order, and its head, out of one statement and so of one moment: on the last page the
 * head must be the last entry, whoever is writing meanwhile.
 */
export async function pageOf(ctx: Ctx, chainId: string, after: bigint) {
  const rows = await ctx.db.$queryRaw<Row[]>`
    SELECT h.sequence AS "headSequence", h.hash AS "headHash",
           e.id, e.chain_id AS "chainId", e.sequence, e.action, e.actor_kind AS "actorKind", e.actor_user_id AS "actorUserId",
           e.session_id AS "sessionId", e.api_key_id AS "apiKeyId", e.target_type AS "targetType", e.target_id AS "targetId",
           e.ip_address AS "ipAddress", e.user_agent AS "userAgent", e.metadata, e.created_at AS "createdAt",
           e.previous_hash AS "previousHash", e.hash
    FROM (SELECT ${chainId}::uuid AS id) c
    LEFT JOIN audit_heads h ON h.chain_id = c.id
    LEFT JOIN LATERAL (
      SELECT * FROM audit_entries WHERE chain_id = c.id AND sequence > ${after} ORDER BY sequence LIMIT ${pageSize}
    ) e ON true
    ORDER BY e.sequence`;
  const entries = rows.flatMap(({ headSequence: _sequence, headHash: _hash, ...entry }) =>
    isEntry(entry) ? [entry] : [],
  );
  const [{ headSequence, headHash } = { headSequence: null, headHash: null }] = rows;
  const head: Head | null =
    headSequence !== null && headHash !== null ? { sequence: headSequence, hash: headHash } : null;
  return { entries, head, isLast: entries.length < pageSize };
}

function isEntry(row: Omit<Row, 'headSequence' | 'headHash'>): row is AuditEntry {
  return row.sequence !== null;
}
