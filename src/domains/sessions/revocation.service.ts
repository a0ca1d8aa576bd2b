import type { Ctx } from '../../context.ts';
import { NotFound } from '../../errors.ts';
import type { Prisma } from '../../generated/prisma/client.ts';
import { transact } from '../../platform/db.ts';
import { recordAudit } from '../audit/audit.service.ts';
import { signedInActor } from '../members/members.access.ts';

/** The sessions of a person that are good now, newest first: the hundred newest, should there be more. */
export function liveSessionsOf(ctx: Ctx, { userId }: { userId: string }) {
  return { where: live(ctx, userId), orderBy: { id: 'desc' }, take: 100 } satisfies Prisma.SessionFindManyArgs;
}

/** Ends one of the caller's sessions; one that has ended already counts as none. @throws NotFound for any other */
export async function revokeSession(ctx: Ctx, { sessionId }: { sessionId: string }): Promise<{ count: number }> {
  const { userId } = signedInActor(ctx);
  return transact(ctx, async (ctx) => {
    const own = await ctx.db.session.findUnique({ where: { id: sessionId, userId } });
    if (!own) throw new NotFound();
    const { count } = await ctx.db.session.updateMany({
      where: { ...live(ctx, userId), id: sessionId },
      data: { revokedAt: ctx.now(), revokeReason: 'revoked' },
    });
    const event = { action: 'session.revoked', targetType: 'Session', targetId: sessionId };
    if (count > 0) await recordAudit(ctx, { organizationId: null, ...event });
    return { count };
  });
}

/** Ends all of the caller's sessions but the one of this request. */
export async function revokeOtherSessions(ctx: Ctx): Promise<{ count: number }> {
  const { userId, sessionId } = signedInActor(ctx);
  return transact(ctx, async (ctx) => {
    const count = await endSessions(ctx, { userId, exceptSessionId: sessionId, reason: 'revoked' });
    const event = { action: 'session.othersRevoked', targetType: 'User', targetId: userId, metadata: { count } };
    if (count > 0) await recordAudit(ctx, { organizationId: null, ...event });
    return { count };
  });
}

/**
 * Ends the live sessions of a person, all or all but one, and every sign-in that waits for its second factor; their
 * tokens are refused from the next request on. Joins the caller's transaction.
 * @returns how many ended
 */
export async function endSessions(
  ctx: Ctx,
  input: { userId: string; exceptSessionId?: string; reason: string },
): Promise<number> {
  const { userId, exceptSessionId, reason } = input;
  // Before the sessions: a sign-in that is just about to pass is waited for here, and then ends with them.
  await ctx.db.mfaChallenge.deleteMany({ where: { userId } });
  const { count } = await ctx.db.session.updateMany({
    where: { ...live(ctx, userId), ...(exceptSessionId && { id: { not: exceptSessionId } }) },
    data: { revokedAt: ctx.now(), revokeReason: reason },
  });
  return count;
}

function live(ctx: Ctx, userId: string): Prisma.SessionWhereInput {
  const now = ctx.now();
  return { userId, revokedAt: null, expiresAt: { gt: now }, idleExpiresAt: { gt: now } };
}
