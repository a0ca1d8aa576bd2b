import type { Ctx } from '../../context.ts';
import { Conflict } from '../../errors.ts';
import { transact } from '../../platform/db.ts';
import { newId } from '../../platform/typeid.ts';
import { recordAudit } from '../audit/audit.service.ts';
import { sendNotice } from '../mail/notices.service.ts';
import { signedInActor } from '../members/members.access.ts';
import { backupCodeDigest, newBackupCodes, readBackupCode } from './backup-codes.ts';
import { tellOfMfaChange } from './mfa-notifications.service.ts';
import { findFactor } from './second-factor.service.ts';

/**
 * Ten new backup codes in the place of all older ones. Nobody can read them again (F03).
 * @throws Conflict without a second factor
 */
export async function regenerateBackupCodes(ctx: Ctx): Promise<{ codes: string[] }> {
  const { userId } = signedInActor(ctx);
  return transact(ctx, async (ctx) => {
    // Of two at once, the codes of the later one are the good ones.
    await ctx.db.$queryRaw`SELECT user_id FROM totp_factors WHERE user_id = ${userId}::uuid FOR UPDATE`;
    const factor = await findFactor(ctx, userId);
    if (!factor) throw new Conflict('Enrol an authenticator first.');
    const codes = await replaceBackupCodes(ctx, factor);
    await sendNotice(ctx, { userId, kind: 'backupCodesRegenerated' });
    await tellOfMfaChange(ctx, { userId, change: 'backupCodesRegenerated' });
    await recordAudit(ctx, {
      organizationId: null,
      action: 'mfa.backupCodesRegenerated',
      targetType: 'User',
      targetId: userId,
    });
    return { codes };
  });
}

/** Joins the caller's transaction, which holds the person's factor. */
export async function replaceBackupCodes(ctx: Ctx, owner: { userId: string; seed: string }): Promise<string[]> {
  const { userId } = owner;
  const codes = newBackupCodes();
  const rows = codes.map((code) => ({
    id: newId(),
    userId,
    digest: backupCodeDigest(owner, readBackupCode(code) ?? ''),
  }));
  await ctx.db.backupCode.deleteMany({ where: { userId } });
  await ctx.db.backupCode.createMany({ data: rows });
  return codes;
}
