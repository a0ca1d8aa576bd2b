import type { Ctx, UserActor } from '../../context.ts';
import { NotFound } from '../../errors.ts';
import type { Organization } from '../../generated/prisma/client.ts';
import { transact } from '../../platform/db.ts';
import { newId } from '../../platform/typeid.ts';
import { recordAudit } from '../audit/audit.service.ts';
import { endBilling } from '../billing/cancellation.service.ts';
import { seatIn, signedInActor } from '../members/members.access.ts';
import { slugFor } from './slug.ts';

/** A new person's own organization, with them as its owner. Joins the caller's transaction. */
export async function createDefaultOrganization(ctx: Ctx, owner: { id: string; name: string }): Promise<Organization> {
  const name = `${owner.name}’s organization`;
  return foundOrganization(ctx, { name, slug: slugFor(owner.name), ownerId: owner.id });
}

/** An organization and its first seat. Joins the caller's transaction. */
export async function foundOrganization(
  ctx: Ctx,
  { name, slug, ownerId }: { name: string; slug: string; ownerId: string },
): Promise<Organization> {
  const now = ctx.now();
  const organization = await ctx.db.organization.create({ data: { id: newId(), name, slug, createdAt: now } });
  const organizationId = organization.id;
  await ctx.db.membership.create({
    data: { id: newId(), organizationId, userId: ownerId, role: 'OWNER', joinedAt: now },
  });
  await recordAudit(ctx, {
    organizationId,
    action: 'organization.created',
    targetType: 'Organization',
    targetId: organizationId,
    metadata: { name, slug, ownerId },
  });
  return organization;
}

/**
 * Makes an organization the session's choice; other devices keep theirs (F17).
 * @returns the caller as they act from now on
 * @throws NotFound for an organization that the caller does not belong to
 */
export async function setActiveOrganization(ctx: Ctx, input: { organizationId: string }): Promise<UserActor> {
  const { organizationId } = input;
  const actor = signedInActor(ctx);
  return transact(ctx, async (ctx) => {
    const seat = await seatIn(ctx, organizationId);
    if (!seat || !(await holdSeat(ctx, { organizationId, userId: actor.userId }))) throw new NotFound();
    await ctx.db.session.update({ where: { id: actor.sessionId }, data: { activeOrganizationId: organizationId } });
    return { ...actor, activeMembership: { ...seat, organizationId } };
  });
}

/** Keeps a seat from being taken away until the commit. @returns whether it is there */
async function holdSeat(ctx: Ctx, seat: { organizationId: string; userId: string }): Promise<boolean> {
  const rows = await ctx.db.$queryRaw<unknown[]>`
    SELECT id FROM memberships
    WHERE organization_id = ${seat.organizationId}::uuid AND user_id = ${seat.userId}::uuid FOR KEY SHARE`;
  return rows.length > 0;
}

/** Takes an organization away with all that is its own, its audit chain excepted, and ends what it pays for. Joins the caller's transaction. */
export async function removeOrganization(ctx: Ctx, { organizationId }: { organizationId: string }): Promise<void> {
  await endBilling(ctx, { organizationId });
  await ctx.db.organization.delete({ where: { id: organizationId } });
  await recordAudit(ctx, {
    organizationId,
    action: 'organization.deleted',
    targetType: 'Organization',
    targetId: organizationId,
  });
}
