import type { Ctx, UserActor } from '../../context.ts';
import { EmailNotVerified, InvalidCredentials, SessionEnded } from '../../errors.ts';
import type { LoginMethod, Session, User } from '../../generated/prisma/client.ts';
import { transact } from '../../platform/db.ts';
import { digestOf } from '../../platform/tokens.ts';
import { newId } from '../../platform/typeid.ts';
import { recordAudit } from '../audit/audit.service.ts';
import { signedInActor } from '../members/members.access.ts';
import { actorOf, findLiveSession } from './live-session.ts';
import { refreshTokenOf } from './refresh-tokens.ts';

const day = 86_400_000;
export const absoluteLifetimeDays = 30;
export const idleLifetimeDays = 14;

export interface SignedIn {
  readonly kind: 'SignedIn';
  readonly accessToken: string;
  readonly accessTokenExpiresAt: Date;
  readonly refreshToken: string;
  readonly actor: UserActor;
}

/**
 * The one gate that every way of signing in goes through, once the person has proved who they are: a locked account
 * looks like a wrong password, an unverified one is told so, everyone else gets a session.
 * @throws InvalidCredentials, EmailNotVerified
 */
export async function completeSignIn(ctx: Ctx, input: { user: User; method: LoginMethod }): Promise<SignedIn> {
  const { user, method } = input;
  if (user.lockedAt) throw new InvalidCredentials();
  if (!user.emailVerifiedAt) throw new EmailNotVerified();
  const session = await transact(ctx, async (ctx) => {
    const session = await createSession(ctx, { userId: user.id, method });
    await recordAudit(ctx, {
      organizationId: null,
      action: 'session.created',
      targetType: 'Session',
      targetId: session.id,
      metadata: { userId: user.id, method },
    });
    return session;
  });
  return issueTokens(ctx, session);
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
    await recordAudit(ctx, { organizationId: null, action: 'session.ended', targetType: 'Session', targetId: sessionId });
  });
  return { sessionId };
}

/** Access and refresh token of the session as it stands now. @throws SessionEnded when it stands no more */
export async function issueTokens(ctx: Ctx, session: Pick<Session, 'id' | 'userId' | 'generation'>): Promise<SignedIn> {
  const { platform } = ctx;
  const live = await findLiveSession(ctx, { sessionId: session.id, organizationId: null });
  if (!live) throw new SessionEnded();
  const access = await platform.accessTokens.sign({ userId: session.userId, sessionId: session.id }, ctx.now());
  return {
    kind: 'SignedIn',
    accessToken: access.token,
    accessTokenExpiresAt: access.expiresAt,
    refreshToken: refreshTokenOf(platform.keyring, { sessionId: session.id, generation: session.generation }),
    actor: actorOf(live),
  };
}

async function createSession(ctx: Ctx, input: { userId: string; method: LoginMethod }): Promise<Session> {
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
      expiresAt: new Date(now.getTime() + absoluteLifetimeDays * day),
      idleExpiresAt: new Date(now.getTime() + idleLifetimeDays * day),
      ipAddress: ctx.origin.ipAddress,
      userAgent: ctx.origin.userAgent,
    },
  });
}
