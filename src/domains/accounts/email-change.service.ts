import { z } from 'zod';
import type { Ctx } from '../../context.ts';
import { InvalidToken, parseInput } from '../../errors.ts';
import { enqueue } from '../../jobs/queue.ts';
import { transact, uniqueViolation } from '../../platform/db.ts';
import { isWithinLimit, limit, networkOf } from '../../platform/rate-limit.ts';
import { recordAudit } from '../audit/audit.service.ts';
import { sendNotice } from '../mail/notices.service.ts';
import { signedInActor } from '../members/members.access.ts';
import { EmailAddress } from './email-address.ts';
import { consumeEmailToken, issueEmailToken, voidEmailTokens } from './email-tokens.service.ts';

const purpose = 'CHANGE_EMAIL';

/**
 * Notes the address that the caller wants, and has a link mailed to it. Nothing changes before the link is used. What is
 * done and answered here is the same for an address that is taken; the mail tells them apart.
 * @throws ValidationFailed, RateLimited
 */
export async function changeEmail(ctx: Ctx, input: { newEmail: string }): Promise<{ email: string }> {
  const { newEmail } = parseInput(z.object({ newEmail: EmailAddress }), input);
  const { userId, email } = signedInActor(ctx);
  await limit(ctx, { name: 'mailRequestByOrigin', key: networkOf(ctx) });
  const isMailed = await isWithinLimit(ctx, { name: 'verificationMail', key: newEmail });
  if (newEmail === email || !isMailed) return { email: newEmail };
  await transact(ctx, async (ctx) => {
    // Nobody ever sees this token: the one of the mail takes its place.
    await issueEmailToken(ctx, { userId, purpose, email: newEmail });
    await enqueue(ctx, 'account.sendEmailChangeEmail', { userId });
    await recordAudit(ctx, {
      organizationId: null,
      action: 'email.changeRequested',
      targetType: 'User',
      targetId: userId,
    });
  });
  return { email: newEmail };
}

/** The mail of an open change. Null when there is none any more, and when the address is taken: its owner is told instead. */
export async function prepareEmailChange(
  ctx: Ctx,
  { userId }: { userId: string },
): Promise<{ name: string; email: string; token: string } | null> {
  return transact(ctx, async (ctx) => {
    // Locked, so that whoever voids the person's links now voids the new token as well.
    const [pending] = await ctx.db.$queryRaw<{ name: string; email: string }[]>`
      SELECT u.name, t.email FROM email_tokens t JOIN users u ON u.id = t.user_id
      WHERE t.user_id = ${userId}::uuid AND t.purpose = 'CHANGE_EMAIL' AND u.locked_at IS NULL FOR UPDATE OF t`;
    if (!pending) return null;
    const { name, email } = pending;
    const owner = await ctx.db.user.findUnique({ where: { email } });
    if (!owner) return { name, email, token: await issueEmailToken(ctx, { userId, purpose, email }) };
    await ctx.db.emailToken.delete({ where: { userId_purpose: { userId, purpose } } });
    await enqueue(ctx, 'account.sendAlreadyRegisteredEmail', { userId: owner.id });
    return null;
  });
}

/**
 * Moves an account to the address that the token was mailed to, and tells the former one. Sessions stay.
 * @throws InvalidToken, also when the address was taken meanwhile
 */
export async function confirmEmailChange(ctx: Ctx, input: { token: string }): Promise<{ email: string }> {
  try {
    return await transact(ctx, (ctx) => moveAddress(ctx, input.token));
  } catch (error) {
    throw uniqueViolation(error) === 'users_email_key' ? new InvalidToken() : error;
  }
}

async function moveAddress(ctx: Ctx, token: string): Promise<{ email: string }> {
  const { userId, email } = await consumeEmailToken(ctx, { token, purpose });
  const user = await ctx.db.user.findUnique({ where: { id: userId, lockedAt: null } });
  if (!user) throw new InvalidToken();
  await ctx.db.user.update({ where: { id: userId }, data: { email, emailVerifiedAt: ctx.now() } });
  await voidEmailTokens(ctx, { userId });
  await sendNotice(ctx, { userId, kind: 'emailChanged', address: user.email });
  await recordAudit(ctx, { organizationId: null, action: 'email.changed', targetType: 'User', targetId: userId });
  return { email };
}
