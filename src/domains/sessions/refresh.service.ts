import type { Ctx } from '../../context.ts';
import { SessionEnded } from '../../errors.ts';
import type { Session } from '../../generated/prisma/client.ts';
import { transact } from '../../platform/db.ts';
import { digestOf, sameBytes } from '../../platform/tokens.ts';
import { recordAudit } from '../audit/audit.service.ts';
import { sendNotice } from '../mail/notices.service.ts';
import { notify } from '../notifications/notify.service.ts';
import { type RefreshTokenClaims, readRefreshToken, refreshTokenOf } from './refresh-tokens.ts';
import { idleLifetimeDays, issueTokens, type SignedIn } from './sessions.service.ts';

/** How long the previous token still gets the same successor: two tabs, or an answer that was lost on the way. */
const graceMs = 15_000;

/**
 * Trades a refresh token for new tokens. The session row's lock lets one of several racers rotate; the others get the
 * same successor. A spent token that comes back later is a theft: that session is revoked, others stay.
 * @throws SessionEnded; RefreshRaced when the successor was made with a key that this process does not have yet
 */
export async function refreshSession(ctx: Ctx, input: { refreshToken: string }): Promise<SignedIn> {
  const claims = readRefreshToken(ctx.platform.keyring, input.refreshToken);
  if (!claims) throw new SessionEnded();
  // The refusal is thrown outside, because the revocation must be committed.
  const session = await transact(ctx, async (ctx) => {
    const session = await lockSession(ctx, claims.sessionId);
    return session && advance(ctx, session, { ...claims, digest: digestOf(input.refreshToken) });
  });
  if (!session) throw new SessionEnded();
  return issueTokens(ctx, session);
}

async function advance(
  ctx: Ctx,
  session: Session,
  presented: RefreshTokenClaims & { digest: Buffer },
): Promise<Session | null> {
  if (sameBytes(session.refreshDigest, presented.digest)) return rotate(ctx, session);
  const isPrevious = session.previousRefreshDigest && sameBytes(session.previousRefreshDigest, presented.digest);
  if (isPrevious && ctx.now().getTime() - session.rotatedAt.getTime() <= graceMs) return session;
  await revokeForReuse(ctx, session);
  return null;
}

async function rotate(ctx: Ctx, session: Session): Promise<Session> {
  const now = ctx.now();
  const generation = session.generation + 1;
  const successor = refreshTokenOf(ctx.platform.keyring, { sessionId: session.id, generation });
  return ctx.db.session.update({
    where: { id: session.id },
    data: {
      generation,
      refreshDigest: digestOf(successor),
      previousRefreshDigest: session.refreshDigest,
      rotatedAt: now,
      lastSeenAt: now,
      idleExpiresAt: new Date(now.getTime() + idleLifetimeDays * 86_400_000),
      ipAddress: ctx.origin.ipAddress,
      userAgent: ctx.origin.userAgent,
    },
  });
}

async function revokeForReuse(ctx: Ctx, session: Session): Promise<void> {
  await ctx.db.session.update({
    where: { id: session.id },
    data: { revokedAt: ctx.now(), revokeReason: 'refresh-token-reused' },
  });
  await sendNotice(ctx, { userId: session.userId, kind: 'sessionRevokedForReuse' });
  await notify(ctx, {
    userIds: [session.userId],
    type: 'session.revokedForReuse',
    organizationId: null,
    data: { sessionId: session.id },
    tellsTheActorToo: true,
  });
  await recordAudit(ctx, {
    organizationId: null,
    action: 'session.revokedForReuse',
    targetType: 'Session',
    targetId: session.id,
    metadata: { userId: session.userId },
  });
}

/** The session under its row lock, if it may still be refreshed (F22, F30). */
async function lockSession(ctx: Ctx, sessionId: string): Promise<Session | null> {
  await ctx.db.$queryRaw`SELECT id FROM sessions WHERE id = ${sessionId}::uuid FOR UPDATE`;
  const now = ctx.now();
  return ctx.db.session.findFirst({
    where: {
      id: sessionId,
      revokedAt: null,
      expiresAt: { gt: now },
      idleExpiresAt: { gt: now },
      user: { lockedAt: null, emailVerifiedAt: { not: null } },
    },
  });
}
