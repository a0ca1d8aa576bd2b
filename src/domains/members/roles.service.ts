import type { Ctx } from '../../context.ts';
import { Forbidden, LastOwner, NotFound, ValidationFailed } from '../../errors.ts';
import type { Membership, Role } from '../../generated/prisma/client.ts';
import { transact } from '../../platform/db.ts';
import { encodeId, nilId } from '../../platform/typeid.ts';
import { revokeKeysOf } from '../api-keys/key-revocation.service.ts';
import { recordAudit } from '../audit/audit.service.ts';
import { recordEvent } from '../events/events.service.ts';
import { notify } from '../notifications/notify.service.ts';
import { lockOrganization } from '../organizations/organization-lock.ts';
import { answerableUserId, boundedRole, includesRole, requireRole, signedInActor } from './members.access.ts';

/** The organization of a membership, for the scope that guards it; the id of nothing for an unknown one. */
export async function organizationOfMembership(ctx: Ctx, membershipId: string): Promise<string> {
  const membership = await ctx.db.membership.findUnique({
    where: { id: membershipId },
    select: { organizationId: true },
  });
  return membership?.organizationId ?? nilId;
}

/**
 * Gives a member another role. Owners alone make, and unmake, owners.
 * @throws LastOwner when nobody would own the organization any more; NotFound, Forbidden
 */
export async function changeMemberRole(ctx: Ctx, input: { membershipId: string; role: Role }): Promise<Membership> {
  const { role } = input;
  return transact(ctx, async (ctx) => {
    const { membership, callerRole } = await lockSeat(ctx, input.membershipId);
    const { id, organizationId, userId } = membership;
    const touchesOwners = membership.role === 'OWNER' || role === 'OWNER';
    if (!callerRole || !includesRole(callerRole, touchesOwners ? 'OWNER' : 'ADMIN')) throw new Forbidden();
    if (membership.role === role) return membership;
    if (membership.role === 'OWNER') await refuseLastOwner(ctx, organizationId);
    const changed = await ctx.db.membership.update({ where: { id, organizationId }, data: { role } });
    await notify(ctx, {
      userIds: [userId],
      type: 'member.roleChanged',
      organizationId,
      data: { membershipId: id, from: membership.role, to: role },
    });
    await recordEvent(ctx, {
      organizationId,
      type: 'member.roleChanged',
      data: {
        membershipId: encodeId('Membership', id),
        userId: encodeId('User', userId),
        from: membership.role,
        to: role,
      },
    });
    await recordAudit(ctx, {
      organizationId,
      action: 'member.roleChanged',
      targetType: 'Membership',
      targetId: id,
      metadata: { userId, from: membership.role, to: role },
    });
    return changed;
  });
}

/**
 * Takes a member out, or lets the caller leave. From the next request on the person is an outsider everywhere: no
 * session acts in the organization any more, which the database sees to, and their keys to it are revoked.
 * @throws LastOwner, NotFound, Forbidden
 */
export async function removeMember(ctx: Ctx, input: { membershipId: string }): Promise<{ membershipId: string }> {
  return transact(ctx, async (ctx) => {
    const { membership, callerRole } = await lockSeat(ctx, input.membershipId);
    const { id, organizationId, userId, role } = membership;
    const isLeaving = ctx.actor.kind === 'user' && ctx.actor.userId === userId;
    if (!callerRole) throw new NotFound();
    if (!isLeaving) await requireRole(ctx, organizationId, role === 'OWNER' ? 'OWNER' : 'ADMIN');
    if (role === 'OWNER') await refuseLastOwner(ctx, organizationId);
    await ctx.db.membership.delete({ where: { id, organizationId } });
    await revokeKeysOf(ctx, { organizationId, userId, reason: 'memberRemoved' });
    if (!isLeaving) await notify(ctx, { userIds: [userId], type: 'member.removed', organizationId, data: { role } });
    await recordEvent(ctx, {
      organizationId,
      type: 'member.removed',
      data: { membershipId: encodeId('Membership', id), userId: encodeId('User', userId), role },
    });
    await recordAudit(ctx, {
      organizationId,
      action: isLeaving ? 'member.left' : 'member.removed',
      targetType: 'Membership',
      targetId: id,
      metadata: { userId, role },
    });
    return { membershipId: id };
  });
}

/**
 * Makes another member the owner and the caller an admin, both or neither.
 * @throws ValidationFailed when the other one is no member; Forbidden when the caller owns it no more
 */
export async function transferOwnership(
  ctx: Ctx,
  input: { organizationId: string; toUserId: string },
): Promise<{ organizationId: string }> {
  const { organizationId, toUserId } = input;
  const { userId: fromUserId } = signedInActor(ctx);
  return transact(ctx, async (ctx) => {
    await lockOrganization(ctx, organizationId);
    const roleOf = (userId: string) => ({ organizationId_userId: { organizationId, userId } });
    const from = await ctx.db.membership.findUnique({ where: roleOf(fromUserId) });
    const to = await ctx.db.membership.findUnique({ where: roleOf(toUserId) });
    if (from?.role !== 'OWNER') throw new Forbidden();
    if (!to || toUserId === fromUserId) {
      throw new ValidationFailed([{ path: ['toUserId'], message: 'Name another member of the organization.' }]);
    }
    await ctx.db.membership.update({ where: roleOf(toUserId), data: { role: 'OWNER' } });
    await ctx.db.membership.update({ where: roleOf(fromUserId), data: { role: 'ADMIN' } });
    await notify(ctx, {
      userIds: [toUserId],
      type: 'ownership.transferred',
      organizationId,
      data: { fromUserId, toUserId },
    });
    for (const [seat, role] of [
      [to, 'OWNER'],
      [from, 'ADMIN'],
    ] as const) {
      const ids = { membershipId: encodeId('Membership', seat.id), userId: encodeId('User', seat.userId) };
      await recordEvent(ctx, {
        organizationId,
        type: 'member.roleChanged',
        data: { ...ids, from: seat.role, to: role },
      });
    }
    await recordAudit(ctx, {
      organizationId,
      action: 'ownership.transferred',
      targetType: 'Organization',
      targetId: organizationId,
      metadata: { fromUserId, toUserId },
    });
    return { organizationId };
  });
}

/** A membership and the caller's own role beside it, both as they are once the organization is locked. */
async function lockSeat(ctx: Ctx, membershipId: string): Promise<{ membership: Membership; callerRole: Role | null }> {
  const organizationId = await organizationOfMembership(ctx, membershipId);
  await lockOrganization(ctx, organizationId);
  const membership = await ctx.db.membership.findUnique({ where: { id: membershipId, organizationId } });
  if (!membership) throw new NotFound();
  const userId = answerableUserId(ctx);
  const own = await ctx.db.membership.findUnique({ where: { organizationId_userId: { organizationId, userId } } });
  return { membership, callerRole: own && boundedRole(ctx.actor, own.role) };
}

async function refuseLastOwner(ctx: Ctx, organizationId: string): Promise<void> {
  const owners = await ctx.db.membership.count({ where: { organizationId, role: 'OWNER' } });
  if (owners < 2) throw new LastOwner();
}
