import type { Ctx } from '../../context.ts';
import { BadUserInput, Conflict, InvalidToken } from '../../errors.ts';
import type { Invitation, InvitationStatus, Prisma } from '../../generated/prisma/client.ts';
import { enqueue } from '../../jobs/queue.ts';
import { transact } from '../../platform/db.ts';
import { limitDone } from '../../platform/rate-limit.ts';
import { digestOf } from '../../platform/tokens.ts';
import { nilId } from '../../platform/typeid.ts';
import { recordAudit } from '../audit/audit.service.ts';
import { signedInActor } from '../members/members.access.ts';
import { invitationExpiry } from './invitations.service.ts';

/** The organization of an invitation, for the scope that guards it; the id of nothing for an unknown one. */
export async function organizationOfInvitation(ctx: Ctx, invitationId: string): Promise<string> {
  const invitation = await ctx.db.invitation.findUnique({
    where: { id: invitationId },
    select: { organizationId: true },
  });
  return invitation?.organizationId ?? nilId;
}

/**
 * Mails an open invitation again, with a new token and seven more days; the token before is void at once.
 * @throws Conflict, RateLimited after five mails in an hour to the address
 */
export async function resendInvitation(ctx: Ctx, input: { invitationId: string }): Promise<Invitation> {
  const { email } = await findOpen(ctx, input.invitationId);
  const resend = async (ctx: Ctx) => {
    const invitation = await changeOpen(ctx, input.invitationId, {
      tokenDigest: null,
      expiresAt: invitationExpiry(ctx),
    });
    await enqueue(ctx, 'invitation.sendEmail', {
      invitationId: invitation.id,
      organizationId: invitation.organizationId,
    });
    await record(ctx, invitation, 'invitation.resent');
    return invitation;
  };
  return limitDone(ctx, { name: 'invitationMail', key: email }, () => transact(ctx, resend));
}

/** Takes an open invitation back. @throws Conflict when it is open no more */
export async function revokeInvitation(ctx: Ctx, input: { invitationId: string }): Promise<Invitation> {
  return transact(ctx, async (ctx) => {
    const invitation = await changeOpen(ctx, input.invitationId, { status: 'REVOKED', tokenDigest: null });
    await record(ctx, invitation, 'invitation.revoked');
    return invitation;
  });
}

/** Says no to an invitation to the caller's own address. @throws InvalidToken, BadUserInput */
export async function declineInvitation(
  ctx: Ctx,
  input: { token: string | null; invitationId: string | null },
): Promise<{ invitationId: string }> {
  if ((input.token === null) === (input.invitationId === null)) {
    throw new BadUserInput('Give either `token` or `invitationId`.');
  }
  const key = input.token === null ? { id: input.invitationId ?? '' } : { tokenDigest: digestOf(input.token) };
  const { email } = signedInActor(ctx);
  return transact(ctx, async (ctx) => {
    const [invitation] = await ctx.db.invitation.updateManyAndReturn({
      where: { ...key, email, ...open(ctx) },
      data: { status: 'DECLINED', tokenDigest: null },
    });
    if (!invitation) throw new InvalidToken();
    await record(ctx, invitation, 'invitation.declined');
    return { invitationId: invitation.id };
  });
}

/** The invitations of an organization, oldest first; PENDING are those open now, EXPIRED those whose time is up. */
export function invitationsOf(
  ctx: Ctx,
  input: { organizationId: string; status: InvitationStatus | null },
  query: Pick<Prisma.InvitationFindManyArgs, 'select' | 'include'>,
) {
  const where = { organizationId: input.organizationId, ...statusFilter(ctx, input.status) };
  type PageQuery = { id: Prisma.UuidFilter; orderBy: Prisma.InvitationOrderByWithRelationInput; take: number };
  return {
    name: 'invitations',
    find: ({ id, orderBy, take }: PageQuery): Promise<Invitation[]> =>
      ctx.db.invitation.findMany({ ...query, where: { AND: [where, { id }] }, orderBy, take }),
    count: () => ctx.db.invitation.count({ where }),
  };
}

function statusFilter(ctx: Ctx, status: InvitationStatus | null): Prisma.InvitationWhereInput {
  if (status === null) return {};
  if (status === 'PENDING') return open(ctx);
  if (status !== 'EXPIRED') return { status };
  return { OR: [{ status }, { status: 'PENDING', expiresAt: { lte: ctx.now() } }] };
}

function open(ctx: Ctx) {
  return { status: 'PENDING', expiresAt: { gt: ctx.now() } } satisfies Prisma.InvitationWhereInput;
}

async function findOpen(ctx: Ctx, id: string): Promise<Invitation> {
  const invitation = await ctx.db.invitation.findUnique({ where: { id, ...open(ctx) } });
  if (!invitation) throw notOpen();
  return invitation;
}

async function changeOpen(ctx: Ctx, id: string, data: Prisma.InvitationUncheckedUpdateManyInput): Promise<Invitation> {
  const [invitation] = await ctx.db.invitation.updateManyAndReturn({ where: { id, ...open(ctx) }, data });
  if (!invitation) throw notOpen();
  return invitation;
}

function notOpen(): Conflict {
  return new Conflict('This invitation is open no more.');
}

function record(ctx: Ctx, { id, organizationId, email }: Invitation, action: string): Promise<void> {
  return recordAudit(ctx, { organizationId, action, targetType: 'Invitation', targetId: id, metadata: { email } });
}
