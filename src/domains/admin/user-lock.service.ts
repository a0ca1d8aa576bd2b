import type { Ctx } from '../../context.ts';
import { NotFound, ValidationFailed } from '../../errors.ts';
import type { User } from '../../generated/prisma/client.ts';
import { transact } from '../../platform/db.ts';
import { revokeKeysOf } from '../api-keys/key-revocation.service.ts';
import { recordAudit } from '../audit/audit.service.ts';
import { signedInActor } from '../members/members.access.ts';
import { endSessions } from '../sessions/revocation.service.ts';

/**
 * Locks a person out: sessions and keys end at once, and they can neither sign in nor refresh.
 * @throws NotFound; ValidationFailed for the caller's own account
 */
export async function lockUser(ctx: Ctx, { userId }: { userId: string }): Promise<User> {
  if (signedInActor(ctx).userId === userId) {
    throw new ValidationFailed([{ path: ['id'], message: 'Nobody locks themselves out.' }]);
  }
  return transact(ctx, async (ctx) => {
    const user = await setLock(ctx, { userId, lockedAt: ctx.now() });
    await endSessions(ctx, { userId, reason: 'locked' });
    await revokeKeysOf(ctx, { userId, reason: 'userLocked' });
    await recordAudit(ctx, { organizationId: null, action: 'user.locked', targetType: 'User', targetId: userId });
    return user;
  });
}

/** Lets a person in again; what the lock ended stays ended. @throws NotFound */
export async function unlockUser(ctx: Ctx, { userId }: { userId: string }): Promise<User> {
  return transact(ctx, async (ctx) => {
    const user = await setLock(ctx, { userId, lockedAt: null });
    await recordAudit(ctx, { organizationId: null, action: 'user.unlocked', targetType: 'User', targetId: userId });
    return user;
  });
}

async function setLock(ctx: Ctx, { userId, lockedAt }: { userId: string; lockedAt: Date | null }): Promise<User> {
  const [user] = await ctx.db.user.updateManyAndReturn({ where: { id: userId }, data: { lockedAt } });
  if (!user) throw new NotFound();
  return user;
}
