import type { Ctx, UserActor } from '../../context.ts';
import { InvalidCode, InvalidCredentials } from '../../errors.ts';
import { transact } from '../../platform/db.ts';
import { recordAudit } from '../audit/audit.service.ts';
import { signedInActor } from '../members/members.access.ts';
import { clearAttempts, reserveAttempt } from '../sessions/attempts.service.ts';
import { passSecondFactor } from './second-factor.service.ts';

export interface Proofs {
  readonly password: string | null;
  readonly code: string | null;
}

/**
 * Proves anew that the caller is who they are: by the password where there is one, and by a code where a second factor is
 * enrolled. Who has neither signs in again.
 * @returns the caller, freshly authenticated
 * @throws InvalidCredentials, InvalidCode
 */
export async function reauthenticate(ctx: Ctx, { password, code }: Proofs): Promise<UserActor> {
  const { userId } = signedInActor(ctx);
  const user = await ctx.db.user.findUniqueOrThrow({ where: { id: userId }, include: { totpFactor: true } });
  if (user.passwordHash) await provePassword(ctx, { userId, passwordHash: user.passwordHash, password });
  else if (!user.totpFactor) throw new InvalidCredentials();
  if (!user.totpFactor) return transact(ctx, (ctx) => renewSession(ctx, { isMfaSatisfied: false }));
  if (code === null) throw new InvalidCode();
  const actor = await passSecondFactor(ctx, { userId, code }, (ctx) => renewSession(ctx, { isMfaSatisfied: true }));
  if (!actor) throw new InvalidCode();
  return actor;
}

async function provePassword(
  ctx: Ctx,
  { userId, passwordHash, password }: { userId: string; passwordHash: string; password: string | null },
): Promise<void> {
  const tries = { pool: 'password', subject: userId } as const;
  if (password === null || !(await reserveAttempt(ctx, tries))) throw new InvalidCredentials('The password');
  const isRight = await ctx.platform.passwords.verify(passwordHash, password.slice(0, 1024));
  if (!isRight) throw new InvalidCredentials('The password');
  await clearAttempts(ctx, tries);
}

async function renewSession(ctx: Ctx, { isMfaSatisfied }: { isMfaSatisfied: boolean }): Promise<UserActor> {
  const actor = signedInActor(ctx);
  const authenticatedAt = ctx.now();
  const mfaSatisfiedAt = isMfaSatisfied ? authenticatedAt : actor.mfaSatisfiedAt;
  await ctx.db.session.update({ where: { id: actor.sessionId }, data: { authenticatedAt, mfaSatisfiedAt } });
  await recordAudit(ctx, {
    organizationId: null,
    action: 'session.reauthenticated',
    targetType: 'Session',
    targetId: actor.sessionId,
    metadata: { isMfaSatisfied },
  });
  return { ...actor, authenticatedAt, mfaSatisfiedAt };
}
