import type { Ctx, RequestCtx } from '../../context.ts';
import { LastOwner, Unauthenticated } from '../../errors.ts';
import { transact } from '../../platform/db.ts';
import { recordAudit } from '../audit/audit.service.ts';
import { sendNotice } from '../mail/notices.service.ts';
import { signedInActor } from '../members/members.access.ts';
import { removeOrganization } from '../organizations/organizations.service.ts';
import { clearAttempts } from '../sessions/attempts.service.ts';
import { dropCookieOf } from '../sessions/transport.service.ts';

interface Seat {
  readonly organizationId: string;
  readonly membershipId: string;
  readonly isAlone: boolean;
  readonly isLastOwner: boolean;
}

/**
 * Deletes the caller with all that is theirs, and the organizations in which nobody else is. Audit entries stay, with
 * ids alone. The former address is told.
 * @throws LastOwner when others would be left without an owner
 */
export async function deleteAccount(ctx: Ctx): Promise<{ userId: string }> {
  const { userId } = signedInActor(ctx);
  await transact(ctx, async (ctx) => {
    // Organizations before people, as whoever joins or tells their admins does.
    await lockOrganizationsOf(ctx, userId);
    const address = await lockUser(ctx, userId);
    const seats = await lockSeats(ctx, userId);
    if (seats.some(({ isAlone, isLastOwner }) => isLastOwner && !isAlone)) throw new LastOwner();
    await ctx.db.user.delete({ where: { id: userId } });
    await sendNotice(ctx, { userId, kind: 'accountDeleted', address });
    for (const seat of seats) await giveUp(ctx, { userId, ...seat });
    await recordAudit(ctx, { organizationId: null, action: 'account.deleted', targetType: 'User', targetId: userId });
  });
  await clearAttempts(ctx, { pool: 'password', subject: userId });
  await clearAttempts(ctx, { pool: 'mfa', subject: userId });
  return { userId };
}

/** As `deleteAccount`, and takes the cookie of the caller's session. @throws LastOwner */
export async function deleteAccountWithCookie(ctx: RequestCtx): Promise<{ userId: string }> {
  const { sessionId } = signedInActor(ctx);
  const deleted = await deleteAccount(ctx);
  dropCookieOf(ctx, { sessionId });
  return deleted;
}

/** Holds the person's row, so that they join and make no organization meanwhile. */
async function lockUser(ctx: Ctx, userId: string): Promise<string> {
  const [user] = await ctx.db.$queryRaw<{ email: string }[]>`
    SELECT email FROM users WHERE id = ${userId}::uuid FOR UPDATE`;
  if (!user) throw new Unauthenticated();
  return user.email;
}

async function lockOrganizationsOf(ctx: Ctx, userId: string): Promise<void> {
  await ctx.db.$queryRaw`
    SELECT id FROM organizations WHERE id IN (SELECT organization_id FROM memberships WHERE user_id = ${userId}::uuid)
    ORDER BY id FOR UPDATE`;
}

/**
 * The person's memberships, with the rows of their organizations locked, so that of several owners who leave one stays.
 * Call it with the person's row held: one that they joined until then is locked here.
 */
async function lockSeats(ctx: Ctx, userId: string): Promise<Seat[]> {
  await lockOrganizationsOf(ctx, userId);
  return ctx.db.$queryRaw<Seat[]>`
    SELECT own.organization_id AS "organizationId", own.id AS "membershipId",
           count(other.id) = 0 AS "isAlone",
           own.role = 'OWNER' AND count(other.id) FILTER (WHERE other.role = 'OWNER') = 0 AS "isLastOwner"
    FROM memberships own
    LEFT JOIN memberships other ON other.organization_id = own.organization_id AND other.user_id <> own.user_id
    WHERE own.user_id = ${userId}::uuid
    GROUP BY own.id
    ORDER BY own.organization_id`;
}

async function giveUp(ctx: Ctx, { organizationId, membershipId, isAlone, userId }: Seat & { userId: string }) {
  if (isAlone) return removeOrganization(ctx, { organizationId });
  await recordAudit(ctx, {
    organizationId,
    action: 'member.left',
    targetType: 'Membership',
    targetId: membershipId,
    metadata: { userId },
  });
}
