import type { Ctx } from '../../context.ts';
import { InvalidToken } from '../../errors.ts';
import type { LoginMethod } from '../../generated/prisma/client.ts';
import { digestOf, newSecret } from '../../platform/tokens.ts';
import { newId } from '../../platform/typeid.ts';

export type MfaMethod = 'TOTP' | 'BACKUP_CODE';

/** A challenge, one of whose tries is taken. */
export interface ReservedTry {
  readonly id: string;
  readonly userId: string;
  readonly method: LoginMethod;
  /** Tries after this one. */
  readonly attemptsLeft: number;
}

const lifetimeMinutes = 5;
const triesMax = 5;

/**
 * Holds a sign-in whose first factor is proved until a code comes with the token: within five minutes, five tries, once.
 * Joins the caller's transaction.
 */
export async function openChallenge(
  ctx: Ctx,
  input: { userId: string; method: LoginMethod },
): Promise<{ challengeToken: string; expiresAt: Date; methods: MfaMethod[] }> {
  const { userId, method } = input;
  const now = ctx.now();
  const challengeToken = newSecret();
  const expiresAt = new Date(now.getTime() + lifetimeMinutes * 60_000);
  await ctx.db.mfaChallenge.deleteMany({ where: { userId, expiresAt: { lte: now } } });
  await ctx.db.mfaChallenge.create({
    data: {
      id: newId(),
      userId,
      digest: digestOf(challengeToken),
      method,
      attemptsLeft: triesMax,
      expiresAt,
      createdAt: now,
    },
  });
  const backupCodes = await ctx.db.backupCode.count({ where: { userId, usedAt: null } });
  return { challengeToken, expiresAt, methods: backupCodes > 0 ? ['TOTP', 'BACKUP_CODE'] : ['TOTP'] };
}

/**
 * Takes one of the challenge's tries, before anything is checked, so that tries at the same moment cannot share one.
 * @throws InvalidToken when it is over, or its account locked
 */
export async function reserveTry(ctx: Ctx, { challengeToken }: { challengeToken: string }): Promise<ReservedTry> {
  const [challenge] = await ctx.db.$queryRaw<ReservedTry[]>`
    UPDATE mfa_challenges c SET attempts_left = attempts_left - 1
    FROM users u
    WHERE c.digest = ${digestOf(challengeToken)} AND c.attempts_left > 0 AND c.expires_at > ${ctx.now()}
      AND u.id = c.user_id AND u.locked_at IS NULL AND u.email_verified_at IS NOT NULL
    RETURNING c.id, c.user_id AS "userId", c.method::text AS method, c.attempts_left AS "attemptsLeft"`;
  if (!challenge) throw new InvalidToken();
  return challenge;
}

/** Uses the challenge up, in the transaction of the session that it leads to. @throws InvalidToken for all but the first */
export async function closeChallenge(ctx: Ctx, { id }: { id: string }): Promise<void> {
  const { count } = await ctx.db.mfaChallenge.deleteMany({ where: { id } });
  if (count === 0) throw new InvalidToken();
}

/** Whether no other call has used the challenge up meanwhile. */
export async function isChallengeOpen(ctx: Ctx, { id }: { id: string }): Promise<boolean> {
  return (await ctx.db.mfaChallenge.count({ where: { id } })) > 0;
}
