import type { Ctx } from '../../context.ts';
import { enqueue } from '../../jobs/queue.ts';
import { transact } from '../../platform/db.ts';
import { isWithinLimit, limit, networkOf } from '../../platform/rate-limit.ts';
import { withTimeFloor } from '../../platform/time-floor.ts';
import { recordAudit } from '../audit/audit.service.ts';
import { parseEmail } from './email-address.ts';
import { consumeEmailToken } from './email-tokens.service.ts';

/**
 * Confirms the address that the token was mailed to. Single use: of two at once one wins.
 * @throws InvalidToken
 */
export async function verifyEmail(ctx: Ctx, input: { token: string }): Promise<{ email: string }> {
  return transact(ctx, async (ctx) => {
    const { userId, email } = await consumeEmailToken(ctx, { token: input.token, purpose: 'VERIFY_EMAIL' });
    await ctx.db.user.updateMany({ where: { id: userId, email }, data: { emailVerifiedAt: ctx.now() } });
    await recordAudit(ctx, { organizationId: null, action: 'email.verified', targetType: 'User', targetId: userId });
    return { email };
  });
}

/**
 * Mails a new link to an address that waits for confirmation; the answer never tells whether there is one.
 * @throws ValidationFailed; RateLimited by origin
 */
export async function resendVerificationEmail(ctx: Ctx, input: { email: string }): Promise<{ email: string }> {
  const email = parseEmail(input);
  await limit(ctx, { name: 'mailRequestByOrigin', key: networkOf(ctx) });
  return withTimeFloor(ctx, async () => {
    const isMailed = await isWithinLimit(ctx, { name: 'verificationMail', key: email });
    const user = await ctx.db.user.findUnique({ where: { email, emailVerifiedAt: null, lockedAt: null } });
    if (user && isMailed) await enqueue(ctx, 'account.sendVerificationEmail', { userId: user.id });
    return { email };
  });
}
