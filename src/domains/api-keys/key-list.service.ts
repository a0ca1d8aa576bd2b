import type { Actor, Ctx } from '../../context.ts';
import type { ApiKey, Prisma } from '../../generated/prisma/client.ts';
import { nilId } from '../../platform/typeid.ts';
import { openOrganizations, organizationOpenToKey, readsEverything } from '../members/members.access.ts';

/** The keys that the caller may see: admins those of their organizations; a key that reads the audit log those that act in it. */
export function visibleApiKeys(actor: Actor): Prisma.ApiKeyWhereInput {
  if (readsEverything(actor)) return {};
  if (actor.kind === 'apiKey') return { organization: organizationOpenToKey(actor, 'audit:read') };
  return { organization: openOrganizations(actor, 'OWNER', 'ADMIN') };
}

type Query = Pick<Prisma.ApiKeyFindManyArgs, 'select' | 'include'>;
type PageQuery = { id: Prisma.UuidFilter; orderBy: Prisma.ApiKeyOrderByWithRelationInput; take: number };

/** The keys of an organization, oldest first, those that have ended too. */
export function apiKeysOf(ctx: Ctx, { organizationId }: { organizationId: string }, query: Query) {
  const where = { organizationId };
  return {
    name: 'apiKeys',
    find: ({ id, orderBy, take }: PageQuery): Promise<ApiKey[]> =>
      ctx.db.apiKey.findMany({ ...query, where: { AND: [where, { id }] }, orderBy, take }),
    count: () => ctx.db.apiKey.count({ where }),
  };
}

/** The organization of a key; the UUID of nothing for a key that does not exist, so that both are asked for alike. */
export async function organizationIdOfKey(ctx: Ctx, apiKeyId: string): Promise<string> {
  const key = await ctx.db.apiKey.findUnique({ where: { id: apiKeyId }, select: { organizationId: true } });
  return key?.organizationId ?? nilId;
}
