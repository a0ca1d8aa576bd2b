import type { Ctx } from '../../context.ts';
import { InvalidToken } from '../../errors.ts';
import { enqueue } from '../../jobs/queue.ts';
import { transact } from '../../platform/db.ts';
import { digestOf, newSecret } from '../../platform/tokens.ts';
import { recordAudit } from '../audit/audit.service.ts';
import { parseEmail } from './email-address.ts';

const lifetimeHours = 24;

/**
 * Confirms the address that the token was mailed to. Single use: of two at once one wins.
 * @throws InvalidToken
 */
export async function verifyEmail(ctx: Ctx, input: { token: string }): Promise<{ email: string }> {
  const digest = digestOf(input.token);
  return transact(ctx, async (ctx) => {
    const token = await ctx.db.emailToken.findUnique({ where: { digest } });
    if (!token) throw new InvalidToken();
    const { count } = await ctx.db.emailToken.deleteMany({
      where: { digest, purpose: 'VERIFY_EMAIL', expiresAt: { gt: ctx.now() } },
    });
    const { userId, email } = token;
    if (count === 0) throw new InvalidToken();
    await ctx.db.user.updateMany({ where: { id: userId, email }, data: { emailVerifiedAt: ctx.now() } });
    await recordAudit(ctx, { organizationId: null, action: 'email.verified', targetType: 'User', targetId: userId });
    return { email };
  });
}

/** Mails a new link to an address that waits for confirmation; the answer never tells whether there is one. */
export async function resendVerificationEmail(ctx: Ctx, input: { email: string }): Promise<{ email: string }> {
  const email = parseEmail(input);
  await transact(ctx, async (ctx) => {
    const user = await ctx.db.user.findUnique({ where: { email, emailVerifiedAt: null, lockedAt: null } });
    if (user) await enqueue(ctx, 'account.sendVerificationEmail', { userId: user.id });
  });
  return { email };
}

/** A fresh token for the person's address; it replaces the one before, which is void from now on (F14). */
export async function issueVerificationToken(ctx: Ctx, user: { id: string; email: string }): Promise<string> {
  const token = newSecret();
  const now = ctx.now();
  const live = {
    digest: digestOf(token),
    email: user.email,
    createdAt: now,
    expiresAt: new Date(now.getTime() + lifetimeHours * 3_600_000),
  };
  await ctx.db.emailToken.upsert({
    where: { userId_purpose: { userId: user.id, purpose: 'VERIFY_EMAIL' } },
    create: { userId: user.id, purpose: 'VERIFY_EMAIL', ...live },
    update: live,
  });
  return token;
}
