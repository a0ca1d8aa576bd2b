import QRCode from 'qrcode';
import type { Ctx, UserActor } from '../../context.ts';
import { Conflict, InvalidCode } from '../../errors.ts';
import { transact } from '../../platform/db.ts';
import { open, seal } from '../../platform/envelope.ts';
import { placeIn } from '../../platform/sealed-columns.ts';
import { recordAudit } from '../audit/audit.service.ts';
import { sendNotice } from '../mail/notices.service.ts';
import { signedInActor } from '../members/members.access.ts';
import { clearAttempts, reserveAttempt } from '../sessions/attempts.service.ts';
import { endSessions } from '../sessions/revocation.service.ts';
import { replaceBackupCodes } from './backup-codes.service.ts';
import { tellOfMfaChange } from './mfa-notifications.service.ts';
import { passSecondFactor } from './second-factor.service.ts';
import { newSeed, otpauthUri, stepOf } from './totp.ts';

const pendingMinutes = 10;

export interface TotpEnrollment {
  readonly secret: string;
  readonly otpauthUri: string;
  /** SVG */
  readonly qrCode: string;
  readonly expiresAt: Date;
}

/**
 * Draws the seed of an authenticator, which waits ten minutes for its first code. A newer one takes its place.
 * @throws Conflict while one is confirmed: nothing here touches that one
 */
export async function beginTotpEnrollment(ctx: Ctx): Promise<TotpEnrollment> {
  const { userId, email } = signedInActor(ctx);
  const secret = newSeed();
  const expiresAt = new Date(ctx.now().getTime() + pendingMinutes * 60_000);
  const sealed = seal(ctx.platform.keyring, placeIn('totp_enrollments.secret', ownRow(userId)), secret);
  await transact(ctx, async (ctx) => {
    if (await ctx.db.totpFactor.findUnique({ where: { userId } })) {
      throw new Conflict('You have an authenticator already. Remove it first.');
    }
    const pending = { secret: sealed, expiresAt };
    await ctx.db.totpEnrollment.upsert({ where: { userId }, create: { userId, ...pending }, update: pending });
  });
  const uri = otpauthUri({ seed: secret, email });
  return { secret, otpauthUri: uri, qrCode: await QRCode.toString(uri, { type: 'svg' }), expiresAt };
}

/**
 * Makes the pending authenticator the person's second factor, with ten backup codes. This session has passed it from now
 * on; all other ones end, because they have not.
 * @throws InvalidCode also when nothing is pending any more, or after too many tries
 */
export async function confirmTotpEnrollment(ctx: Ctx, { code }: { code: string }): Promise<{ codes: string[] }> {
  const { userId, sessionId } = signedInActor(ctx);
  const tries = { pool: 'mfa', subject: userId } as const;
  if (!(await reserveAttempt(ctx, tries))) throw new InvalidCode();
  const enabled = await transact(ctx, async (ctx) => {
    // Sign-ins of this person wait here, or are waited for, so that none slips past the new factor.
    await ctx.db.$queryRaw`SELECT id FROM users WHERE id = ${userId}::uuid FOR NO KEY UPDATE`;
    const seed = await confirmPending(ctx, { userId, code });
    const codes = await replaceBackupCodes(ctx, { userId, seed });
    const now = ctx.now();
    await endSessions(ctx, { userId, exceptSessionId: sessionId, reason: 'second-factor-added' });
    await ctx.db.session.update({ where: { id: sessionId }, data: { mfaSatisfiedAt: now, authenticatedAt: now } });
    await sendNotice(ctx, { userId, kind: 'mfaEnabled' });
    await tellOfMfaChange(ctx, { userId, change: 'enabled' });
    await recordAudit(ctx, { organizationId: null, action: 'mfa.enabled', targetType: 'User', targetId: userId });
    return { codes };
  });
  await clearAttempts(ctx, tries);
  return enabled;
}

/**
 * Takes the second factor away. Other sessions end, and so does every sign-in that waits for a code (F27).
 * @returns the caller, whose session has passed no second factor any more
 * @throws InvalidCode
 */
export async function disableTotp(ctx: Ctx, { code }: { code: string }): Promise<UserActor> {
  const actor = signedInActor(ctx);
  const { userId, sessionId } = actor;
  const disabled = await passSecondFactor(ctx, { userId, code }, async (ctx) => {
    await ctx.db.backupCode.deleteMany({ where: { userId } });
    await ctx.db.totpFactor.deleteMany({ where: { userId } });
    await ctx.db.totpEnrollment.deleteMany({ where: { userId } });
    await endSessions(ctx, { userId, exceptSessionId: sessionId, reason: 'second-factor-removed' });
    await ctx.db.session.update({ where: { id: sessionId }, data: { mfaSatisfiedAt: null } });
    await sendNotice(ctx, { userId, kind: 'mfaDisabled' });
    await tellOfMfaChange(ctx, { userId, change: 'disabled' });
    await recordAudit(ctx, { organizationId: null, action: 'mfa.disabled', targetType: 'User', targetId: userId });
    return { ...actor, mfaSatisfiedAt: null };
  });
  if (!disabled) throw new InvalidCode();
  return disabled;
}

/** The pending seed turned into the factor by its first code, which is thereby used. @throws InvalidCode */
async function confirmPending(ctx: Ctx, { userId, code }: { userId: string; code: string }): Promise<string> {
  const now = ctx.now();
  const { keyring } = ctx.platform;
  const pending = await ctx.db.totpEnrollment.findUnique({ where: { userId, expiresAt: { gt: now } } });
  if (!pending) throw new InvalidCode();
  const seed = open(keyring, placeIn('totp_enrollments.secret', ownRow(userId)), pending.secret);
  const lastUsedStep = stepOf({ seed, code: code.replace(/[\s-]/g, '') }, now);
  if (lastUsedStep === null) throw new InvalidCode();
  const secret = seal(keyring, placeIn('totp_factors.secret', ownRow(userId)), seed);
  await ctx.db.totpEnrollment.delete({ where: { userId } });
  const { count } = await ctx.db.totpFactor.createMany({
    data: { userId, secret, lastUsedStep, confirmedAt: now },
    skipDuplicates: true,
  });
  if (count === 0) throw new InvalidCode();
  return seed;
}

function ownRow(userId: string) {
  return { rowId: userId, ownerId: userId };
}
