import type { Ctx } from '../../context.ts';
import { InvalidToken, parseInput } from '../../errors.ts';
import { enqueue } from '../../jobs/queue.ts';
import { transact } from '../../platform/db.ts';
import { isWithinLimit, limit, networkOf } from '../../platform/rate-limit.ts';
import { withTimeFloor } from '../../platform/time-floor.ts';
import { recordAudit } from '../audit/audit.service.ts';
import { clearAttempts, subjectOfAddress } from '../sessions/attempts.service.ts';
import { confirmAddress } from './address-claim.service.ts';
import { parseEmail } from './email-address.ts';
import { consumeEmailToken, peekEmailToken } from './email-tokens.service.ts';
import { NewPassword, replacePassword } from './password-change.service.ts';
import { refuseWeakPassword } from './password-policy.ts';

/**
 * Mails a link to set a new password, to accounts that wait for their address too, never to locked ones nor to
 * strangers. The answer tells none of them apart.
 * @throws ValidationFailed, RateLimited
 */
export async function requestPasswordReset(ctx: Ctx, input: { email: string }): Promise<{ email: string }> {
  const email = parseEmail(input);
  await limit(ctx, { name: 'mailRequestByOrigin', key: networkOf(ctx) });
  return withTimeFloor(ctx, async () => {
    const isMailed = await isWithinLimit(ctx, { name: 'passwordResetMail', key: email });
    const user = await ctx.db.user.findUnique({ where: { email, lockedAt: null } });
    if (user && isMailed) await enqueue(ctx, 'account.sendPasswordResetEmail', { userId: user.id });
    return { email };
  });
}

/**
 * Sets a new password by a mailed token, which it takes only with a password that is good. Ends every session of the
 * person and signs nobody in, so that the second factor is asked for as ever. The mail was read, which confirms the
 * address.
 * @throws ValidationFailed, InvalidToken
 */
export async function resetPassword(
  ctx: Ctx,
  input: { token: string; newPassword: string },
): Promise<{ email: string }> {
  const { newPassword } = parseInput(NewPassword, input);
  const bearer = { token: input.token, purpose: 'RESET_PASSWORD' } as const;
  const { userId } = await peekEmailToken(ctx, bearer);
  const user = await ctx.db.user.findUnique({ where: { id: userId, lockedAt: null } });
  if (!user) throw new InvalidToken();
  await refuseWeakPassword(ctx, { field: 'newPassword', password: newPassword, person: user });
  const passwordHash = await ctx.platform.passwords.hash(newPassword);
  await transact(ctx, async (ctx) => {
    await consumeEmailToken(ctx, bearer);
    if (!(await replacePassword(ctx, { user, passwordHash }))) throw new InvalidToken();
    if (!user.emailVerifiedAt) await confirmAddress(ctx, user);
    await recordAudit(ctx, { organizationId: null, action: 'password.reset', targetType: 'User', targetId: userId });
  });
  // Whoever is kept out by somebody else’s guesses comes back in this way.
  for (const subject of [userId, subjectOfAddress(ctx, user.email)])
    await clearAttempts(ctx, { pool: 'password', subject });
  return { email: user.email };
}
