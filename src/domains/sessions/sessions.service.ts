import type { Ctx, UserActor } from '../../context.ts';
import { EmailNotVerified, InvalidCredentials, RefreshRaced, SecondFactorNeeded, SessionEnded } from '../../errors.ts';
import type { LoginMethod, Session, User } from '../../generated/prisma/client.ts';
import { transact } from '../../platform/db.ts';
import { digestOf } from '../../platform/tokens.ts';
import { newId } from '../../platform/typeid.ts';
import { recordAudit } from '../audit/audit.service.ts';
import { signedInActor } from '../members/members.access.ts';
import { openChallenge } from './challenges.service.ts';
import { actorOf, findLiveSession } from './live-session.ts';
import { recallRefreshToken, refreshTokenOf } from './refresh-tokens.ts';

const day = 86_400_000;
export const absoluteLifetimeDays = 30;
export const idleLifetimeDays = 14;

export interface SignedIn {
  readonly kind: 'SignedIn';
  readonly accessToken: string;
  readonly accessTokenExpiresAt: Date;
  /** Null when it is in a cookie. */
  readonly refreshToken: string | null;
  readonly sessionEndsAt: Date;
  readonly actor: UserActor;
}

/**
 * The one gate that every way of signing in goes through, once the person has proved who they are: a locked account
 * looks like a wrong password, an unverified one is told so, one with a second factor gets a challenge, everyone else a
 * session. Call it outside a transaction: what it refuses must stay written.
 * @throws InvalidCredentials, EmailNotVerified, SecondFactorNeeded
 */
export async function completeSignIn(ctx: Ctx, input: { user: User; method: LoginMethod }): Promise<SignedIn> {
  const { user, method } = input;
  if (user.lockedAt) throw new InvalidCredentials();
  if (!user.emailVerifiedAt) throw new EmailNotVerified();
  const next = await transact(ctx, async (ctx) => {
    // Whoever enrols a second factor or sets a password at this moment waits, and then ends this session, or is waited for.
    const [current] = await ctx.db.$queryRaw<{ passwordHash: string | null }[]>`
      SELECT password_hash AS "passwordHash" FROM users WHERE id = ${user.id}::uuid FOR SHARE`;
    if (method === 'PASSWORD' && current?.passwordHash !== user.passwordHash) throw new InvalidCredentials();
    const factor = await ctx.db.totpFactor.findUnique({ where: { userId: user.id } });
    return factor
      ? { challenge: await openChallenge(ctx, { userId: user.id, method }) }
      : { session: await startSession(ctx, { userId: user.id, method, isMfaSatisfied: false }) };
  });
  if (next.challenge) throw new SecondFactorNeeded(next.challenge);
  return issueTokens(ctx, next.session);
}

/** A session for a person who has passed all that `completeSignIn` or a challenge asks. Joins the caller's transaction. */
export async function startSession(
  ctx: Ctx,
  input: { userId: string; method: LoginMethod; isMfaSatisfied: boolean },
): Promise<Session> {
  const { userId, method, isMfaSatisfied } = input;
  const session = await createSession(ctx, input);
  await recordAudit(ctx, {
    organizationId: null,
    action: 'session.created',
    targetType: 'Session',
    targetId: session.id,
    metadata: { userId, method, isMfaSatisfied },
  });
  return session;
}

/** Ends the caller's session; its tokens are refused from the next request on. */
export async function logout(ctx: Ctx): Promise<{ sessionId: string }> {
  const { sessionId } = signedInActor(ctx);
  await transact(ctx, async (ctx) => {
    const { count } = await ctx.db.session.updateMany({
      where: { id: sessionId, revokedAt: null },
      data: { revokedAt: ctx.now(), revokeReason: 'logout' },
    });
    if (count === 0) throw new SessionEnded();
    await recordAudit(ctx, {
      organizationId: null,
      action: 'session.ended',
      targetType: 'Session',
      targetId: sessionId,
    });
  });
  return { sessionId };
}

/**
 * Access and refresh token of the session as it stands committed now; call it outside a transaction.
 * @throws SessionEnded when it stands no more; RefreshRaced when its refresh token was made with a key that is not in this
 *   process's ring (yet)
 */
export async function issueTokens(ctx: Ctx, session: Session): Promise<SignedIn> {
  const { platform } = ctx;
  const live = await findLiveSession(platform, { sessionId: session.id, organizationId: null });
  if (!live) throw new SessionEnded();
  const refreshToken = recallRefreshToken(
    platform.keyring,
    { ...session, sessionId: session.id },
    session.refreshDigest,
  );
  if (!refreshToken) throw new RefreshRaced();
  const access = await platform.accessTokens.sign({ userId: session.userId, sessionId: session.id }, ctx.now());
  return {
    kind: 'SignedIn',
    accessToken: access.token,
    accessTokenExpiresAt: access.expiresAt,
    refreshToken,
    sessionEndsAt: session.idleExpiresAt < session.expiresAt ? session.idleExpiresAt : session.expiresAt,
    actor: actorOf(live),
  };
}

async function createSession(
  ctx: Ctx,
  input: { userId: string; method: LoginMethod; isMfaSatisfied: boolean },
): Promise<Session> {
  const now = ctx.now();
  const id = newId();
  return ctx.db.session.create({
    data: {
      id,
      userId: input.userId,
      method: input.method,
      refreshDigest: digestOf(refreshTokenOf(ctx.platform.keyring, { sessionId: id, generation: 0 })),
      rotatedAt: now,
      createdAt: now,
      lastSeenAt: now,
      authenticatedAt: now,
      mfaSatisfiedAt: input.isMfaSatisfied ? now : null,
      expiresAt: new Date(now.getTime() + absoluteLifetimeDays * day),
      idleExpiresAt: new Date(now.getTime() + idleLifetimeDays * day),
      ipAddress: ctx.origin.ipAddress,
      userAgent: ctx.origin.userAgent,
    },
  });
}
