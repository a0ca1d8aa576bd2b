import { z } from 'zod';
import type { Ctx } from '../../context.ts';
import { InvalidCredentials, parseInput } from '../../errors.ts';
import type { User } from '../../generated/prisma/client.ts';
import { transact } from '../../platform/db.ts';
import { recordAudit } from '../audit/audit.service.ts';
import { sendNotice } from '../mail/notices.service.ts';
import { signedInActor } from '../members/members.access.ts';
import { clearAttempts, reserveAttempt } from '../sessions/attempts.service.ts';
import { endSessions } from '../sessions/revocation.service.ts';
import { voidEmailTokens } from './email-tokens.service.ts';
import { Password, refuseWeakPassword } from './password-policy.ts';

/** The form of `newPassword`, before anybody is asked who they are. */
export const NewPassword = z.object({ newPassword: Password });

/**
 * Changes the caller's password and ends their other sessions. Tries count like those of signing in, and who has no
 * password is refused as for a wrong one: they set one by `resetPassword`.
 * @throws ValidationFailed, InvalidCredentials
 */
export async function changePassword(
  ctx: Ctx,
  input: { currentPassword: string; newPassword: string },
): Promise<{ email: string }> {
  const { newPassword } = parseInput(NewPassword, input);
  const { userId, sessionId } = signedInActor(ctx);
  const user = await ctx.db.user.findUniqueOrThrow({ where: { id: userId } });
  await proveCurrentPassword(ctx, user, input.currentPassword);
  await refuseWeakPassword(ctx, { field: 'newPassword', password: newPassword, person: user });
  const passwordHash = await ctx.platform.passwords.hash(newPassword);
  await transact(ctx, async (ctx) => {
    const isReplaced = await replacePassword(ctx, { user, passwordHash, exceptSessionId: sessionId });
    if (!isReplaced) throw new InvalidCredentials('The password');
    await recordAudit(ctx, { organizationId: null, action: 'password.changed', targetType: 'User', targetId: userId });
  });
  return { email: user.email };
}

/**
 * Puts a new hash in the place of the one that `user` had when read. Whatever the old password had opened ends: sessions,
 * open second-factor challenges, mailed links. The person is told. Joins the caller's transaction.
 * @returns false when the password was changed meanwhile, or the account locked
 */
export async function replacePassword(
  ctx: Ctx,
  input: { user: Pick<User, 'id' | 'passwordHash'>; passwordHash: string; exceptSessionId?: string },
): Promise<boolean> {
  const { user, passwordHash, exceptSessionId } = input;
  const userId = user.id;
  const { count } = await ctx.db.user.updateMany({
    where: { id: userId, passwordHash: user.passwordHash, lockedAt: null },
    data: { passwordHash },
  });
  if (count === 0) return false;
  await endSessions(ctx, { userId, reason: 'password-changed', ...(exceptSessionId && { exceptSessionId }) });
  await voidEmailTokens(ctx, { userId });
  await sendNotice(ctx, { userId, kind: 'passwordChanged' });
  return true;
}

async function proveCurrentPassword(ctx: Ctx, user: User, password: string): Promise<void> {
  const attempt = { pool: 'password', subject: user.id } as const;
  if (!(await reserveAttempt(ctx, attempt))) throw new InvalidCredentials('The password');
  const isRight = await ctx.platform.passwords.verify(user.passwordHash, password.slice(0, 1024));
  if (!isRight) throw new InvalidCredentials('The password');
  await clearAttempts(ctx, attempt);
}
