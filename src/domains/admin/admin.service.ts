import type { Ctx } from '../../context.ts';
import type { Organization, Prisma, User } from '../../generated/prisma/client.ts';
import { literal } from '../members/members.service.ts';

interface Search {
  readonly search?: string | null | undefined;
}

/** Everyone, oldest account first; `search` looks in name and address. For superusers. */
export function allUsers(ctx: Ctx, { search }: Search, query: Pick<Prisma.UserFindManyArgs, 'select' | 'include'>) {
  const containing = containingText(search);
  const where: Prisma.UserWhereInput = containing ? { OR: [{ name: containing }, { email: containing }] } : {};
  return {
    name: 'admin.users',
    find: ({
      id,
      orderBy,
      take,
    }: {
      id: Prisma.UuidFilter;
      orderBy: { id: 'asc' | 'desc' };
      take: number;
    }): Promise<User[]> => ctx.db.user.findMany({ ...query, where: { AND: [where, { id }] }, orderBy, take }),
    count: () => ctx.db.user.count({ where }),
  };
}

/** Every organization, oldest first; `search` looks in name and slug. For superusers. */
export function allOrganizations(
  ctx: Ctx,
  { search }: Search,
  query: Pick<Prisma.OrganizationFindManyArgs, 'select' | 'include'>,
) {
  const containing = containingText(search);
  const where: Prisma.OrganizationWhereInput = containing ? { OR: [{ name: containing }, { slug: containing }] } : {};
  return {
    name: 'admin.organizations',
    find: ({
      id,
      orderBy,
      take,
    }: {
      id: Prisma.UuidFilter;
      orderBy: { id: 'asc' | 'desc' };
      take: number;
    }): Promise<Organization[]> =>
      ctx.db.organization.findMany({ ...query, where: { AND: [where, { id }] }, orderBy, take }),
    count: () => ctx.db.organization.count({ where }),
  };
}

function containingText(search: string | null | undefined) {
  const text = search?.trim();
  return text ? ({ contains: literal(text), mode: 'insensitive' } as const) : null;
}
