import type { Ctx } from '../../context.ts';
import { BadUserInput, InvalidToken } from '../../errors.ts';
import type { Invitation, Membership, Role, User } from '../../generated/prisma/client.ts';
import { transact } from '../../platform/db.ts';
import { digestOf } from '../../platform/tokens.ts';
import { encodeId, newId } from '../../platform/typeid.ts';
import { recordAudit } from '../audit/audit.service.ts';
import { recordEvent } from '../events/events.service.ts';
import { adminIdsOf, includesRole, signedInActor } from '../members/members.access.ts';
import { notify } from '../notifications/notify.service.ts';
import { claimSeat } from '../quotas/seats.service.ts';

export interface InvitationPreview {
  readonly organizationName: string;
  readonly inviterName: string | null;
  readonly maskedEmail: string;
  readonly role: Role;
  readonly expiresAt: Date;
}

/** What the holder of a mailed token may see before signing in; null for one that is not good. */
export async function previewInvitation(ctx: Ctx, input: { token: string }): Promise<InvitationPreview | null> {
  const invitation = await ctx.db.invitation.findUnique({
    where: { tokenDigest: digestOf(input.token), status: 'PENDING', expiresAt: { gt: ctx.now() } },
    include: { organization: { select: { name: true } }, invitedBy: { select: { name: true } } },
  });
  if (!invitation) return null;
  return {
    organizationName: invitation.organization.name,
    inviterName: invitation.invitedBy?.name ?? null,
    maskedEmail: maskEmail(invitation.email),
    role: invitation.role,
    expiresAt: invitation.expiresAt,
  };
}

/**
 * Makes the caller a member. By the token of the mail or, for one of `viewer.invitations`, by id; either way the
 * invitation must be for the caller's own address. Of several at once one wins.
 * @throws InvalidToken, QuotaExceeded without a free seat, BadUserInput unless exactly one of the two is given
 */
export async function acceptInvitation(
  ctx: Ctx,
  input: { token: string | null; invitationId: string | null },
): Promise<Membership> {
  if ((input.token === null) === (input.invitationId === null)) {
    throw new BadUserInput('Give either `token` or `invitationId`.');
  }
  const { userId } = signedInActor(ctx);
  return transact(ctx, async (ctx) => {
    const user = await ctx.db.user.findUniqueOrThrow({ where: { id: userId } });
    const key = input.token === null ? { id: input.invitationId ?? '' } : { token: input.token };
    const invitation = await lockInvitation(ctx, { ...key, email: user.email });
    return joinByInvitation(ctx, { invitation, user });
  });
}

/**
 * The invitation behind a token or an id, if it is open, for this address, and its inviter may still invite.
 * @throws InvalidToken
 */
export async function lockInvitation(
  ctx: Ctx,
  input: { token: string; email: string } | { id: string; email: string },
): Promise<Invitation> {
  const key = 'token' in input ? { tokenDigest: digestOf(input.token) } : { id: input.id };
  const invitation = await ctx.db.invitation.findUnique({
    where: { ...key, email: input.email, status: 'PENDING', expiresAt: { gt: ctx.now() } },
  });
  if (!invitation || !(await inviterMayStillInvite(ctx, invitation))) throw new InvalidToken();
  return invitation;
}

/** Turns an open invitation into a membership. @throws InvalidToken when another call was faster; QuotaExceeded without a free seat */
export async function joinByInvitation(ctx: Ctx, input: { invitation: Invitation; user: User }): Promise<Membership> {
  const { user } = input;
  const { id, organizationId, role } = input.invitation;
  await claimSeat(ctx, { organizationId, userId: user.id });
  const { count } = await ctx.db.invitation.updateMany({
    where: { id, organizationId, status: 'PENDING', tokenDigest: input.invitation.tokenDigest },
    data: { status: 'ACCEPTED', tokenDigest: null },
  });
  if (count === 0) throw new InvalidToken();
  await ctx.db.membership.createMany({
    data: { id: newId(), organizationId, userId: user.id, role, joinedAt: ctx.now() },
    skipDuplicates: true,
  });
  const membership = await ctx.db.membership.findUniqueOrThrow({
    where: { organizationId_userId: { organizationId, userId: user.id } },
  });
  await tellAdmins(ctx, membership);
  await recordEvent(ctx, {
    organizationId,
    type: 'member.joined',
    data: {
      membershipId: encodeId('Membership', membership.id),
      userId: encodeId('User', user.id),
      role: membership.role,
    },
  });
  await recordAudit(ctx, {
    organizationId,
    action: 'member.joined',
    targetType: 'Membership',
    targetId: membership.id,
    metadata: { userId: user.id, role: membership.role, invitationId: id },
  });
  return membership;
}

async function tellAdmins(ctx: Ctx, { id, organizationId, userId, role }: Membership): Promise<void> {
  const adminIds = await adminIdsOf(ctx, organizationId);
  await notify(ctx, {
    userIds: adminIds.filter((adminId) => adminId !== userId),
    type: 'member.joined',
    organizationId,
    data: { membershipId: id, userId, role },
  });
}

async function inviterMayStillInvite(ctx: Ctx, invitation: Invitation): Promise<boolean> {
  const { organizationId, invitedById } = invitation;
  if (!invitedById) return false;
  const inviter = await ctx.db.membership.findUnique({
    where: { organizationId_userId: { organizationId, userId: invitedById } },
  });
  return inviter !== null && includesRole(inviter.role, 'ADMIN') && includesRole(inviter.role, invitation.role);
}

/** `ada@example.com` as `a•••@example.com`. */
function maskEmail(email: string): string {
  const at = email.lastIndexOf('@');
  return `${email.slice(0, 1)}•••${email.slice(at)}`;
}
