import type { Ctx } from '../../context.ts';
import { Conflict, Forbidden } from '../../errors.ts';
import type { Invitation, InvitationStatus, Prisma, Role } from '../../generated/prisma/client.ts';
import { enqueue } from '../../jobs/queue.ts';
import { transact } from '../../platform/db.ts';
import { limitDone } from '../../platform/rate-limit.ts';
import { digestOf } from '../../platform/tokens.ts';
import { encodeId, newId } from '../../platform/typeid.ts';
import { parseEmail } from '../accounts/email-address.ts';
import { recordAudit } from '../audit/audit.service.ts';
import { recordEvent } from '../events/events.service.ts';
import { mailedSecret } from '../mail/mailed-secret.service.ts';
import {
  answerableUserId,
  includesRole,
  openOrganizations,
  organizationOpenToKey,
  readsEverything,
  roleIn,
} from '../members/members.access.ts';
import { notify } from '../notifications/notify.service.ts';
import { requireFreeSeat } from '../quotas/seats.service.ts';

const lifetimeDays = 7;

/**
 * Asks an address to join; the mail with the link leaves as a job. Nobody invites to a role above their own.
 * @throws ValidationFailed, Forbidden, QuotaExceeded without a free seat, Conflict for a member and for an address whose invitation is open,
 * RateLimited after five mails in an hour to the address
 */
export async function inviteMember(
  ctx: Ctx,
  input: { organizationId: string; email: string; role: Role },
): Promise<Invitation> {
  const email = parseEmail(input);
  return limitDone(ctx, { name: 'invitationMail', key: email }, () =>
    transact(ctx, (ctx) => sendInvitation(ctx, { ...input, email })),
  );
}

async function sendInvitation(
  ctx: Ctx,
  input: { organizationId: string; email: string; role: Role },
): Promise<Invitation> {
  const { organizationId, email, role } = input;
  const ownRole = await roleIn(ctx, organizationId);
  if (!ownRole || !includesRole(ownRole, role)) throw new Forbidden();
  await refuseMembers(ctx, { organizationId, email });
  await requireFreeSeat(ctx, organizationId);
  const invitation = await createInvitation(ctx, { organizationId, email, role });
  await enqueue(ctx, 'invitation.sendEmail', { invitationId: invitation.id, organizationId });
  await tellInvitee(ctx, invitation);
  await recordEvent(ctx, {
    organizationId,
    type: 'invitation.sent',
    data: { invitationId: encodeId('Invitation', invitation.id), email, role },
  });
  await recordAudit(ctx, {
    organizationId,
    action: 'invitation.sent',
    targetType: 'Invitation',
    targetId: invitation.id,
    metadata: { email, role },
  });
  return invitation;
}

/** The token of an open invitation, one for each job, voiding the one before; null when it is not open any more (F32). */
export async function issueInvitationToken(ctx: Ctx, invitationId: string): Promise<string | null> {
  const token = mailedSecret(ctx, 'INVITATION', invitationId);
  const { count } = await ctx.db.invitation.updateMany({
    where: { id: invitationId, status: 'PENDING', expiresAt: { gt: ctx.now() } },
    data: { tokenDigest: digestOf(token) },
  });
  return count === 1 ? token : null;
}

/** When an invitation that is mailed now stops being open. */
export function invitationExpiry(ctx: Pick<Ctx, 'now'>): Date {
  return new Date(ctx.now().getTime() + lifetimeDays * 86_400_000);
}

/** The open invitations to an address. */
export function openInvitationsTo(ctx: Ctx, email: string): Prisma.InvitationWhereInput {
  return { email, status: 'PENDING', expiresAt: { gt: ctx.now() } };
}

/** The invitations that the caller may see: those of organizations where they are admin, and those to themselves. */
export function visibleInvitations({ actor }: Ctx): Prisma.InvitationWhereInput {
  if (readsEverything(actor)) return {};
  if (actor.kind === 'apiKey' && actor.role === 'ADMIN')
    return { organization: organizationOpenToKey(actor, 'members:read') };
  if (actor.kind !== 'user') return { id: { in: [] } };
  return { OR: [{ organization: openOrganizations(actor, 'OWNER', 'ADMIN') }, { email: actor.email }] };
}

/** Who has confirmed the address sees the invitation in the app, too. */
async function tellInvitee(ctx: Ctx, { id, organizationId, email, role }: Invitation): Promise<void> {
  const invitees = await ctx.db.user.findMany({
    where: { email, emailVerifiedAt: { not: null } },
    select: { id: true },
  });
  await notify(ctx, {
    userIds: invitees.map(({ id }) => id),
    type: 'invitation.received',
    organizationId,
    data: { invitationId: id, role },
  });
}

async function refuseMembers(ctx: Ctx, { organizationId, email }: { organizationId: string; email: string }) {
  const member = await ctx.db.membership.findFirst({
    where: { organizationId, user: { email } },
    select: { id: true },
  });
  if (member) throw new Conflict('This person is a member already.', 'email');
}

/** The unique index on open invitations decides between two at once. */
async function createInvitation(ctx: Ctx, input: { organizationId: string; email: string; role: Role }) {
  const { organizationId, email } = input;
  const now = ctx.now();
  const expiresAt = invitationExpiry(ctx);
  await ctx.db.invitation.updateMany({
    where: { organizationId, email, status: 'PENDING', expiresAt: { lte: now } },
    data: { status: 'EXPIRED', tokenDigest: null },
  });
  const [invitation] = await ctx.db.invitation.createManyAndReturn({
    data: { id: newId(), ...input, invitedById: answerableUserId(ctx), createdAt: now, expiresAt },
    skipDuplicates: true,
  });
  if (!invitation) throw new Conflict('This address has an open invitation already.', 'email');
  return invitation;
}

/** The status as it is now: an open invitation whose time is up has expired, swept or not. */
export function statusOf(ctx: Pick<Ctx, 'now'>, invitation: { status: InvitationStatus; expiresAt: Date }) {
  return invitation.status === 'PENDING' && invitation.expiresAt <= ctx.now() ? 'EXPIRED' : invitation.status;
}
