import type { Ctx } from '../../context.ts';
import type { User } from '../../generated/prisma/client.ts';
import { newId } from '../../platform/typeid.ts';
import { createDefaultOrganization } from '../organizations/organizations.service.ts';
import { voidEmailTokens } from './email-tokens.service.ts';

export interface Newcomer {
  readonly email: string;
  readonly name: string;
  /** Null for a person who comes by way of a provider. */
  readonly passwordHash: string | null;
  /** Whether an invitation takes them to an organization. */
  readonly isInvited?: boolean;
}

/**
 * The one way in which a person is made, with an organization of their own (F20). While an address is not confirmed nobody
 * owns it: the newcomer's name and password take the place of those that were there. Joins the caller's transaction.
 * @returns null when the address already has a confirmed account, or a locked one
 */
export async function claimAddress(ctx: Ctx, newcomer: Newcomer): Promise<User | null> {
  const { email, name, passwordHash, isInvited = false } = newcomer;
  const { count } = await ctx.db.user.createMany({
    data: { id: newId(), email, name, passwordHash, createdAt: ctx.now() },
    skipDuplicates: true,
  });
  if (count === 0) {
    const unclaimed = { email, emailVerifiedAt: null, lockedAt: null };
    await ctx.db.user.updateMany({ where: unclaimed, data: { name, passwordHash } });
  }
  const user = await ctx.db.user.findUniqueOrThrow({ where: { email } });
  if (user.emailVerifiedAt || user.lockedAt) return null;
  if (count === 1 && !isInvited) await createDefaultOrganization(ctx, user);
  return user;
}

/** Makes the person the owner of the address; links that were mailed before are void. */
export async function confirmAddress(ctx: Ctx, { id }: { id: string }): Promise<User> {
  await voidEmailTokens(ctx, { userId: id });
  return ctx.db.user.update({ where: { id }, data: { emailVerifiedAt: ctx.now() } });
}
