import type { Ctx } from '../../context.ts';
import type { AuditCheckpoint, AuditEntry } from '../../generated/prisma/client.ts';
import { sameBytes } from '../../platform/tokens.ts';
import { hashOf, systemChainId } from './chain.ts';
import { type Head, pageOf } from './chain-pages.ts';
import { judgeCheckpoint } from './checkpoints.service.ts';

export interface ChainProblem {
  /** Null: the system's chain. */
  readonly organizationId: string | null;
  /** The entry where the chain stops being what was written. */
  readonly sequence: bigint;
  readonly what: string;
}

export interface Verification {
  readonly chains: number;
  readonly entries: number;
  readonly checkpoints: number;
  /** The first of each chain. */
  readonly problems: readonly ChainProblem[];
  /** Signed with a key that is not in use any more: they prove nothing against whoever can write to the database. */
  readonly unreadableCheckpoints: number;
}

/** How far a walk has come. */
interface Link {
  readonly sequence: bigint;
  readonly hash: Uint8Array;
}

/**
 * Walks every audit chain from its beginning: no entry is changed, none is missing, the head is the last one, and every
 * signed checkpoint still fits. May run beside a program that writes.
 */
export async function verifyAudit(ctx: Ctx): Promise<Verification> {
  const problems: ChainProblem[] = [];
  const counts = { chains: 0, entries: 0, checkpoints: 0, unreadableCheckpoints: 0 };
  for (const chainId of await chainIds(ctx)) {
    counts.chains += 1;
    // Before the walk, which then sees all that they speak of.
    const checkpoints = await ctx.db.auditCheckpoint.findMany({ where: { chainId }, orderBy: { sequence: 'asc' } });
    counts.checkpoints += checkpoints.length;
    const { entries, problem } = await walk(ctx, chainId, checkpoints);
    counts.entries += entries;
    const verdicts = await judgeAll(ctx, checkpoints);
    counts.unreadableCheckpoints += verdicts.unreadable;
    const first = problem ?? verdicts.forged;
    if (first) problems.push({ organizationId: chainId === systemChainId ? null : chainId, ...first });
  }
  return { ...counts, problems };
}

type Problem = Omit<ChainProblem, 'organizationId'>;

async function walk(ctx: Ctx, chainId: string, checkpoints: readonly AuditCheckpoint[]) {
  let last: Link = { sequence: 0n, hash: new Uint8Array() };
  const expected = [...checkpoints];
  for (;;) {
    const { entries, head, isLast } = await pageOf(ctx, chainId, last.sequence);
    for (const entry of entries) {
      const what = flawIn(entry, last, expected);
      if (what) return { entries: Number(last.sequence), problem: { sequence: last.sequence + 1n, what } };
      last = entry;
    }
    if (isLast) return { entries: Number(last.sequence), problem: flawAtEnd(last, head, expected) };
  }
}

/** What is wrong with the entry after `last`, null when nothing is. Takes the checkpoints that it passes off the list. */
function flawIn(entry: AuditEntry, last: Link, expected: AuditCheckpoint[]): string | null {
  const { previousHash, hash, ...content } = entry;
  if (entry.sequence !== last.sequence + 1n) return `is missing; the next one is ${entry.sequence}`;
  if (!sameBytes(previousHash, last.hash)) return 'does not follow the one before it';
  if (!sameBytes(hash, hashOf(last.hash, content))) return 'was changed';
  const [checkpoint] = expected;
  if (checkpoint?.sequence !== entry.sequence) return null;
  expected.shift();
  return sameBytes(checkpoint.hash, hash)
    ? null
    : `is not the one that was signed at ${checkpoint.createdAt.toISOString()}`;
}

function flawAtEnd(last: Link, head: Head | null, [checkpoint]: readonly AuditCheckpoint[]): Problem | null {
  const sequence = last.sequence + 1n;
  if (checkpoint)
    return {
      sequence,
      what: `was cut off: the chain had ${checkpoint.sequence} entries at ${checkpoint.createdAt.toISOString()}`,
    };
  if (!head) return last.sequence === 0n ? null : { sequence, what: 'has no head to follow' };
  if (head.sequence > last.sequence) return { sequence, what: `was cut off: the head counts ${head.sequence} entries` };
  const isHead = head.sequence === last.sequence && sameBytes(head.hash, last.hash);
  return isHead ? null : { sequence: last.sequence, what: 'is not where the head ends' };
}

async function judgeAll(
  ctx: Ctx,
  checkpoints: readonly AuditCheckpoint[],
): Promise<{ forged: Problem | null; unreadable: number }> {
  const verdicts = await Promise.all(
    checkpoints.map(async (checkpoint) => ({ checkpoint, verdict: await judgeCheckpoint(ctx, checkpoint) })),
  );
  const forged = verdicts.find(({ verdict }) => verdict === 'forged')?.checkpoint;
  return {
    forged: forged ? { sequence: forged.sequence, what: 'has a checkpoint with a false signature' } : null,
    unreadable: verdicts.filter(({ verdict }) => verdict === 'unknownKey').length,
  };
}

/** Also those of which only a part is left. */
async function chainIds(ctx: Ctx): Promise<string[]> {
  const rows = await ctx.db.$queryRaw<{ id: string }[]>`
    SELECT chain_id AS id FROM audit_heads UNION SELECT chain_id FROM audit_entries UNION SELECT chain_id FROM audit_checkpoints
    ORDER BY id`;
  return rows.map(({ id }) => id);
}
