import type { Ctx } from '../../context.ts';
import { transact } from '../../platform/db.ts';
import { open } from '../../platform/envelope.ts';
import { placeIn } from '../../platform/sealed-columns.ts';
import { sendNotice } from '../mail/notices.service.ts';
import { signedInActor } from '../members/members.access.ts';
import { clearAttempts, reserveAttempt } from '../sessions/attempts.service.ts';
import type { MfaMethod } from '../sessions/challenges.service.ts';
import { backupCodeDigest, readBackupCode } from './backup-codes.ts';
import { stepOf } from './totp.ts';

/** A person's confirmed authenticator. */
export interface Factor {
  readonly userId: string;
  readonly seed: string;
  readonly confirmedAt: Date;
}

/** What the signed-in person may know of their second factor. */
export interface MfaState {
  readonly totpConfirmedAt: Date | null;
  readonly backupCodesRemaining: number;
  readonly satisfied: boolean;
}

export async function mfaState(ctx: Ctx): Promise<MfaState> {
  const { userId, mfaSatisfiedAt } = signedInActor(ctx);
  const factor = await ctx.db.totpFactor.findUnique({ where: { userId } });
  const backupCodesRemaining = await ctx.db.backupCode.count({ where: { userId, usedAt: null } });
  return { totpConfirmedAt: factor?.confirmedAt ?? null, backupCodesRemaining, satisfied: mfaSatisfiedAt !== null };
}

/** The person's authenticator with its seed; null when none is confirmed. */
export async function findFactor(ctx: Ctx, userId: string): Promise<Factor | null> {
  const factor = await ctx.db.totpFactor.findUnique({ where: { userId } });
  if (!factor) return null;
  const place = placeIn('totp_factors.secret', { rowId: userId, ownerId: userId });
  return { userId, seed: open(ctx.platform.keyring, place, factor.secret), confirmedAt: factor.confirmedAt };
}

/**
 * Does `work` in the transaction that spends the code: six digits newer than any used before, or an unused backup code.
 * Tries are counted for the account, over all that asks for codes, and a new challenge forgets none of them.
 * @returns null, with nothing done, for a code that is not right and for any code while there are too many tries
 */
export async function passSecondFactor<T extends object>(
  ctx: Ctx,
  { userId, code }: { userId: string; code: string },
  work: (ctx: Ctx) => Promise<T>,
): Promise<T | null> {
  const tries = { pool: 'mfa', subject: userId } as const;
  if (!(await reserveAttempt(ctx, tries))) return null;
  const result = await transact(ctx, async (ctx) => {
    const method = await spendCode(ctx, { userId, code });
    if (!method) return null;
    if (method === 'BACKUP_CODE') await sendNotice(ctx, { userId, kind: 'backupCodeUsed' });
    return work(ctx);
  });
  if (result) await clearAttempts(ctx, tries);
  return result;
}

async function spendCode(ctx: Ctx, { userId, code }: { userId: string; code: string }): Promise<MfaMethod | null> {
  const factor = await findFactor(ctx, userId);
  if (!factor) return null;
  const step = stepOf({ seed: factor.seed, code: code.replace(/[\s-]/g, '') }, ctx.now());
  if (step !== null) return (await spendStep(ctx, factor, step)) ? 'TOTP' : null;
  return (await spendBackupCode(ctx, factor, code)) ? 'BACKUP_CODE' : null;
}

/** RFC 6238 §5.2: a code once, and none older than the newest one used. */
async function spendStep(ctx: Ctx, { userId, confirmedAt }: Factor, step: number): Promise<boolean> {
  const { count } = await ctx.db.totpFactor.updateMany({
    where: { userId, confirmedAt, lastUsedStep: { lt: step } },
    data: { lastUsedStep: step },
  });
  return count === 1;
}

async function spendBackupCode(ctx: Ctx, { userId, seed }: Factor, code: string): Promise<boolean> {
  const symbols = readBackupCode(code);
  if (!symbols) return false;
  const { count } = await ctx.db.backupCode.updateMany({
    where: { userId, digest: backupCodeDigest({ seed, userId }, symbols), usedAt: null },
    data: { usedAt: ctx.now() },
  });
  return count === 1;
}
