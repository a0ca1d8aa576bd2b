import type { Ctx } from '../../context.ts';
import type { Membership, Prisma, Role } from '../../generated/prisma/client.ts';

/** What a page asks of a list of memberships: a condition on ids, an order, a size, and the selection of the client. */
type Query = Pick<Prisma.MembershipFindManyArgs, 'select' | 'include'>;
type PageQuery = { id: Prisma.UuidFilter; orderBy: Prisma.MembershipOrderByWithRelationInput; take: number };

/** The people of one organization, oldest membership first; `search` looks in name and address. */
export function membersOf(
  ctx: Ctx,
  input: { organizationId: string; search?: string | null | undefined; role?: Role | null | undefined },
  query: Query,
) {
  const { organizationId, search, role } = input;
  const text = search?.trim();
  const containing = { contains: literal(text ?? ''), mode: 'insensitive' } as const;
  const where = {
    organizationId,
    ...(role && { role }),
    ...(text && { user: { OR: [{ name: containing }, { email: containing }] } }),
  };
  return membershipSource(ctx, query, { name: 'members', where });
}

/** The organizations that a person belongs to, oldest membership first. */
export function membershipsOf(ctx: Ctx, input: { userId: string }, query: Query) {
  return membershipSource(ctx, query, { name: 'memberships', where: { userId: input.userId } });
}

function membershipSource(ctx: Ctx, query: Query, list: { name: string; where: Prisma.MembershipWhereInput }) {
  const { name, where } = list;
  return {
    name,
    find: ({ id, orderBy, take }: PageQuery): Promise<Membership[]> =>
      ctx.db.membership.findMany({ ...query, where: { AND: [where, { id }] }, orderBy, take }),
    count: () => ctx.db.membership.count({ where }),
  };
}

/** Prisma hands `%` and `_` on to LIKE, where they mean anything and any one. */
export function literal(text: string): string {
  return text.replace(/[\\%_]/g, '\\$&');
}
