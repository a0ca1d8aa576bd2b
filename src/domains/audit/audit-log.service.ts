import type { Actor, Ctx } from '../../context.ts';
import type { AuditEntry, Prisma } from '../../generated/prisma/client.ts';
import { readsEverything, seatIn } from '../members/members.access.ts';
import { systemChainId } from './chain.ts';

export interface AuditFilter {
  readonly action?: string | null | undefined;
  /** A person, with what their keys did, or one key. */
  readonly actor?: { readonly userId: string } | { readonly apiKeyId: string } | null | undefined;
}

type PageQuery = { id: { gt?: string; lt?: string }; orderBy: { id: 'asc' | 'desc' }; take: number };

/** The entries of an organization's chain, or of the system's for null, newest first. A place in the list is a sequence number. */
export function auditEntriesOf(ctx: Ctx, input: { organizationId: string | null } & AuditFilter) {
  const { organizationId, action, actor } = input;
  const chainId = organizationId ?? systemChainId;
  const where: Prisma.AuditEntryWhereInput = {
    chainId,
    ...(action && { action }),
    ...(actor && ('userId' in actor ? { actorUserId: actor.userId } : { apiKeyId: actor.apiKeyId })),
  };
  return {
    name: `auditLog/${chainId}`,
    keyOf: ({ sequence }: AuditEntry) => String(sequence),
    find: ({ id: { gt, lt }, orderBy, take }: PageQuery): Promise<AuditEntry[]> =>
      ctx.db.auditEntry.findMany({
        // What comes after in the list has the lower number.
        where: { AND: [where, { sequence: { ...(gt && { lt: BigInt(gt) }), ...(lt && { gt: BigInt(lt) }) } }] },
        orderBy: { sequence: orderBy.id === 'asc' ? 'desc' : 'asc' },
        take,
      }),
    count: () => ctx.db.auditEntry.count({ where }),
  };
}

/** Whom a filter means by the id of a node; nobody by the id of what does not act. */
export function actorWithId({ typename, id }: { typename: string; id: string }): AuditFilter['actor'] {
  if (typename === 'ApiKey') return { apiKeyId: id };
  return { userId: typename === 'User' ? id : systemChainId };
}

/** Entries by their ids, null for each that the caller may not read, in the same order. */
export async function visibleAuditEntries(ctx: Ctx, ids: readonly string[]): Promise<(AuditEntry | null)[]> {
  if (!mayReadAudit(ctx.actor)) return ids.map(() => null);
  const entries = await ctx.db.auditEntry.findMany({ where: { id: { in: [...ids] } } });
  const open = await openChains(ctx, new Set(entries.map(({ chainId }) => chainId)));
  const byId = new Map(entries.filter(({ chainId }) => open.has(chainId)).map((entry) => [entry.id, entry]));
  return ids.map((id) => byId.get(id) ?? null);
}

async function openChains(ctx: Ctx, chains: ReadonlySet<string>): Promise<ReadonlySet<string>> {
  if (readsEverything(ctx.actor)) return chains;
  const open = new Set<string>();
  for (const chainId of chains) {
    const seat = await seatIn(ctx, chainId);
    if (seat && seat.role !== 'MEMBER') open.add(chainId);
  }
  return open;
}

/** A person with a second factor, or a key with the scope; which chains are theirs is another question. */
function mayReadAudit(actor: Actor): boolean {
  if (actor.kind === 'apiKey') return actor.scopes.includes('audit:read');
  return actor.kind === 'user' && actor.mfaSatisfiedAt !== null;
}
