import type { Ctx } from '../../context.ts';

/** So long an ended session stays, for whoever looks into what happened. */
const endedSessionDays = 30;
/** Longer than any count of tries goes back. */
const quietAttemptsHours = 24;

/** Deletes what has expired and serves nobody any more. May run at any time, twice too. */
export async function removeExpired({ db, now }: Ctx): Promise<void> {
  const expired = { expiresAt: { lte: now() } };
  await db.emailToken.deleteMany({ where: expired });
  await db.mfaChallenge.deleteMany({ where: expired });
  await db.totpEnrollment.deleteMany({ where: expired });
  await db.oAuthState.deleteMany({ where: expired });
  await db.idempotentRequest.deleteMany({ where: expired });
  await db.rateLimit.deleteMany({ where: { expire: { lte: now().getTime() } } });
  await db.mailSuppression.deleteMany({ where: expired });
  const ended = { lte: new Date(now().getTime() - endedSessionDays * 86_400_000) };
  await db.session.deleteMany({
    where: { OR: [{ revokedAt: ended }, { expiresAt: ended }, { idleExpiresAt: ended }] },
  });
  const quiet = { lte: new Date(now().getTime() - quietAttemptsHours * 3_600_000) };
  await db.attemptCounter.deleteMany({
    where: { lastFailure: quiet, OR: [{ lockedUntil: null }, { lockedUntil: quiet }] },
  });
}
