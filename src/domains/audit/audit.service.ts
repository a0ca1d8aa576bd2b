import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import type { Ctx } from '../../context.ts';
import { newId } from '../../platform/typeid.ts';

/** The chain of what belongs to no organization: accounts and sessions. */
const systemChainId = '00000000-0000-0000-0000-000000000000';

export interface AuditEvent {
  /** Null: the system's own chain. */
  readonly organizationId: string | null;
  /** `noun.pastTense` */
  readonly action: string;
  readonly targetType: string;
  readonly targetId: string;
  /** Before and after, without secrets. */
  readonly metadata?: Record<string, string | number | boolean | null>;
}

/**
 * Writes one entry at the end of its chain; call it last in the transaction of the change, because the chain's head is
 * locked from here to the commit. Each entry's hash covers the one before it (SHA-256 over canonical JSON, RFC 8785).
 */
export async function recordAudit(ctx: Ctx, event: AuditEvent): Promise<void> {
  const chainId = event.organizationId ?? systemChainId;
  const head = await advanceHead(ctx, chainId);
  const entry = { ...describe(ctx, event), chainId, sequence: head.sequence };
  const hash = hashOf(head.hash, entry);
  await ctx.db.auditEntry.create({ data: { ...entry, previousHash: head.hash, hash } });
  await ctx.db.auditHead.update({ where: { chainId }, data: { hash } });
}

function describe(ctx: Ctx, { action, targetType, targetId, metadata = {} }: AuditEvent) {
  const { actor, origin } = ctx;
  const person = actor.kind === 'user' ? actor : null;
  return {
    id: newId(),
    action,
    actorKind: actor.kind,
    actorUserId: person?.userId ?? null,
    sessionId: person?.sessionId ?? null,
    targetType,
    targetId,
    ipAddress: origin.ipAddress,
    userAgent: origin.userAgent,
    metadata,
    createdAt: ctx.now(),
  };
}

/** Takes the next sequence number and the hash to build on, and holds the head's row lock. */
async function advanceHead(ctx: Ctx, chainId: string) {
  const [head] = await ctx.db.$queryRaw<{ sequence: bigint; hash: Uint8Array<ArrayBuffer> }[]>`
    INSERT INTO audit_heads (chain_id, sequence, hash) VALUES (${chainId}::uuid, 1, '\\x')
    ON CONFLICT (chain_id) DO UPDATE SET sequence = audit_heads.sequence + 1
    RETURNING sequence, hash`;
  if (!head) throw new Error('an audit chain has no head');
  return head;
}

function hashOf(previous: Uint8Array, entry: Record<string, unknown> & { sequence: bigint; createdAt: Date }) {
  const text = canonicalize({ ...entry, sequence: String(entry.sequence), createdAt: entry.createdAt.toISOString() });
  return Uint8Array.from(createHash('sha256').update(previous).update(text ?? '').digest());
}
