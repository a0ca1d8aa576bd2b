import type { Ctx } from '../../context.ts';
import { QuotaExceeded } from '../../errors.ts';
import { holdOrganization } from '../organizations/organization-lock.ts';
import { limitOf } from './limits.service.ts';

/**
 * Lets one more person in, in the caller's transaction: the organization's row is locked to its end, so that of many who
 * come for the last seat one gets it. Call it before other rows are locked.
 * An organization that is gone has nothing to refuse by: the invitation is gone with it.
 * @throws QuotaExceeded
 */
export async function claimSeat(ctx: Ctx, seat: { organizationId: string; userId: string }): Promise<void> {
  if (!(await holdOrganization(ctx, seat.organizationId))) return;
  // Who is in already needs no further seat.
  if ((await ctx.db.membership.count({ where: seat })) === 0) await requireFreeSeat(ctx, seat.organizationId);
}

/** Refuses when every seat is taken, without keeping one. @throws QuotaExceeded */
export async function requireFreeSeat(ctx: Ctx, organizationId: string): Promise<void> {
  const limit = await limitOf(ctx, { organizationId, resource: 'MEMBERS' });
  const used = await seatsUsed(ctx, organizationId);
  if (used >= limit) throw new QuotaExceeded({ resource: 'MEMBERS', limit, used, resetsAt: null });
}

/** How many seats are taken. */
async function seatsUsed(ctx: Ctx, organizationId: string): Promise<number> {
  const organization = await ctx.db.organization.findUnique({ where: { id: organizationId }, select: { seats: true } });
  return organization?.seats ?? 0;
}
