import { z } from 'zod';
import type { Ctx } from '../../context.ts';
import { InvalidCredentials, parseInput } from '../../errors.ts';
import type { User } from '../../generated/prisma/client.ts';
import { enqueue } from '../../jobs/queue.ts';
import { transact } from '../../platform/db.ts';
import { newId } from '../../platform/typeid.ts';
import { recordAudit } from '../audit/audit.service.ts';
import * as invitations from '../invitations/acceptance.service.ts';
import { createDefaultOrganization } from '../organizations/organizations.service.ts';
import { completeSignIn, type SignedIn } from '../sessions/sessions.service.ts';
import { EmailAddress } from './email-address.ts';
import { isGuessableFrom, Password } from './password-policy.ts';

export const PersonName = z.string().trim().min(1, 'Tell us your name.').max(100, 'Use at most 100 characters.');

const Registration = z
  .object({ email: EmailAddress, password: Password, name: PersonName, invitationToken: z.string().max(200).nullish() })
  .refine(({ password, email, name }) => !isGuessableFrom(password, email.split('@')[0] ?? '', name), {
    error: 'This is too close to your name or address.',
    path: ['password'],
  });

type Registration = z.output<typeof Registration>;

/**
 * Makes an account, or tells the owner of an existing one by mail; the answer is the same. While an address is not
 * confirmed nobody owns it, so the newest registration sets name and password, and only its mail confirms.
 * @throws ValidationFailed; InvalidToken for an invitation that is not good, or is for another address
 */
export async function register(ctx: Ctx, input: unknown): Promise<{ email: string }> {
  const registration = parseInput(Registration, input);
  const passwordHash = await ctx.platform.passwords.hash(registration.password);
  await transact(ctx, async (ctx) => {
    const invitation = registration.invitationToken
      ? await invitations.lockInvitation(ctx, { token: registration.invitationToken, email: registration.email })
      : null;
    const user = await claimAddress(ctx, registration, passwordHash);
    if (!user) return;
    if (invitation) {
      await confirmAddress(ctx, user);
      await invitations.joinByInvitation(ctx, { invitation, user });
    } else {
      await enqueue(ctx, 'account.sendVerificationEmail', { userId: user.id });
    }
    await recordAudit(ctx, { organizationId: null, action: 'account.registered', targetType: 'User', targetId: user.id });
  });
  return { email: registration.email };
}

/** The account to go on with; null when the address already has a confirmed one, whose owner is told by mail. */
async function claimAddress(ctx: Ctx, registration: Registration, passwordHash: string): Promise<User | null> {
  const { email, name } = registration;
  const { count } = await ctx.db.user.createMany({
    data: { id: newId(), email, name, passwordHash, createdAt: ctx.now() },
    skipDuplicates: true,
  });
  if (count === 0) {
    await ctx.db.user.updateMany({ where: { email, emailVerifiedAt: null, lockedAt: null }, data: { name, passwordHash } });
  }
  const user = await ctx.db.user.findUniqueOrThrow({ where: { email } });
  if (user.emailVerifiedAt || user.lockedAt) {
    await enqueue(ctx, 'account.sendAlreadyRegisteredEmail', { userId: user.id });
    return null;
  }
  // Every way of making a person makes the same home for them (F20), unless an invitation brings them to one.
  if (count === 1 && !registration.invitationToken) await createDefaultOrganization(ctx, user);
  return user;
}

async function confirmAddress(ctx: Ctx, user: User): Promise<void> {
  await ctx.db.user.update({ where: { id: user.id }, data: { emailVerifiedAt: ctx.now() } });
  await ctx.db.emailToken.deleteMany({ where: { userId: user.id } });
}

/**
 * Signs in with a password. An unknown address costs one hash as well, and is refused in the same words.
 * @throws InvalidCredentials, EmailNotVerified
 */
export async function login(ctx: Ctx, input: { email: string; password: string }): Promise<SignedIn> {
  const email = EmailAddress.safeParse(input.email);
  const user = email.success ? await ctx.db.user.findUnique({ where: { email: email.data } }) : null;
  const isRight = await ctx.platform.passwords.verify(user?.passwordHash ?? null, input.password.slice(0, 1024));
  if (!user?.passwordHash || !isRight) throw new InvalidCredentials();
  if (ctx.platform.passwords.needsRehash(user.passwordHash)) await rehash(ctx, user, input.password);
  return completeSignIn(ctx, { user, method: 'PASSWORD' });
}

/** Only if the password was not changed meanwhile. */
async function rehash(ctx: Ctx, user: User, password: string): Promise<void> {
  const passwordHash = await ctx.platform.passwords.hash(password);
  await ctx.db.user.updateMany({ where: { id: user.id, passwordHash: user.passwordHash }, data: { passwordHash } });
}
