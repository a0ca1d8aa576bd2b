import type { Ctx } from '../../context.ts';
import type { AuditCheckpoint } from '../../generated/prisma/client.ts';
import { newId } from '../../platform/typeid.ts';

const signatureType = 'audit-checkpoint';
const batchSize = 200;

interface Head {
  readonly chainId: string;
  readonly sequence: bigint;
  readonly hash: Uint8Array<ArrayBuffer>;
}

/**
 * Signs how long each chain is and how it ends, where that has changed since the last time. Each one goes to the log too,
 * so that a copy of the log holds against whoever takes entries and checkpoints away together.
 */
export async function writeCheckpoints(ctx: Ctx): Promise<void> {
  for (let after: string | null = null; ; ) {
    const heads: Head[] = await unsignedHeads(ctx, after);
    const checkpoints = await Promise.all(heads.map((head) => signHead(ctx, head)));
    await ctx.db.auditCheckpoint.createMany({ data: checkpoints, skipDuplicates: true });
    for (const { chainId, sequence, signature } of checkpoints) {
      ctx.log.info({ chainId, sequence: String(sequence), signature }, 'audit checkpoint');
    }
    after = heads.at(-1)?.chainId ?? null;
    if (heads.length < batchSize) return;
  }
}

/** What became of a checkpoint: `unknownKey` when it was signed with a key that is not in use any more. */
export async function judgeCheckpoint(
  ctx: Ctx,
  checkpoint: AuditCheckpoint,
): Promise<'good' | 'forged' | 'unknownKey'> {
  const read = await ctx.platform.signatures.read(signatureType, checkpoint.signature);
  if (typeof read === 'string') return read;
  return JSON.stringify(read.payload) === JSON.stringify(statementOf(checkpoint)) ? 'good' : 'forged';
}

async function unsignedHeads(ctx: Ctx, after: string | null): Promise<Head[]> {
  return ctx.db.$queryRaw<Head[]>`
    SELECT h.chain_id AS "chainId", h.sequence, h.hash FROM audit_heads h
    WHERE (${after}::uuid IS NULL OR h.chain_id > ${after}::uuid)
      AND NOT EXISTS (SELECT FROM audit_checkpoints c WHERE c.chain_id = h.chain_id AND c.sequence = h.sequence)
    ORDER BY h.chain_id LIMIT ${batchSize}`;
}

async function signHead(ctx: Ctx, head: Head): Promise<AuditCheckpoint> {
  const createdAt = ctx.now();
  const signature = await ctx.platform.signatures.sign(signatureType, statementOf({ ...head, createdAt }));
  return { id: newId(), ...head, createdAt, signature };
}

function statementOf({ chainId, sequence, hash, createdAt }: Head & { readonly createdAt: Date }) {
  return {
    chainId,
    sequence: String(sequence),
    hash: Buffer.from(hash).toString('base64url'),
    at: createdAt.toISOString(),
  };
}
