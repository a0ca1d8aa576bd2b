import type { Actor, Ctx } from '../../context.ts';
import { newId } from '../../platform/typeid.ts';
import { hashOf, systemChainId } from './chain.ts';

export interface AuditEvent {
  /** Null: the system's own chain. */
  readonly organizationId: string | null;
  /** `noun.pastTense` */
  readonly action: string;
  readonly targetType: string;
  readonly targetId: string;
  /** Before and after, without secrets. Ids are UUIDs under a name that ends in the kind: `userId`, `fromUserId`. */
  readonly metadata?: Record<string, string | number | boolean | null>;
}

/**
 * Writes one entry at the end of its chain; call it last in the transaction of the change, because the chain's head is
 * locked from here to the commit. Each entry's hash covers the one before it.
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
  return {
    id: newId(),
    action,
    ...describeActor(actor),
    targetType,
    targetId,
    ipAddress: origin.ipAddress,
    userAgent: origin.userAgent,
    metadata,
    createdAt: ctx.now(),
  };
}

/** For a key the person behind it is named too: they answer for it. */
function describeActor(actor: Actor) {
  const nobody = { actorKind: actor.kind as string, actorUserId: null, sessionId: null, apiKeyId: null };
  if (actor.kind === 'apiKey') return { ...nobody, actorUserId: actor.createdById, apiKeyId: actor.apiKeyId };
  if (actor.kind !== 'user') return nobody;
  const { userId, sessionId, isSuperuser } = actor;
  return { ...nobody, actorKind: isSuperuser ? 'superuser' : 'user', actorUserId: userId, sessionId };
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
