import type { Ctx } from '../../context.ts';
import { InvalidCredentials } from '../../errors.ts';
import type { User } from '../../generated/prisma/client.ts';
import { giveBack, limit, networkOf } from '../../platform/rate-limit.ts';
import { withTimeFloor } from '../../platform/time-floor.ts';
import { clearAttempts, reserveAttempt, subjectOfAddress } from '../sessions/attempts.service.ts';
import { completeSignIn, type SignedIn } from '../sessions/sessions.service.ts';
import { EmailAddress } from './email-address.ts';

interface Credentials {
  readonly email: string;
  readonly password: string;
}

/**
 * Signs in with a password. Whatever is wrong with the credentials, the refusal has the same words and takes the same time.
 * @throws InvalidCredentials, EmailNotVerified, SecondFactorNeeded; RateLimited by origin
 */
export async function login(ctx: Ctx, credentials: Credentials): Promise<SignedIn> {
  const byOrigin = { name: 'loginByOrigin', key: networkOf(ctx) } as const;
  await limit(ctx, byOrigin);
  return withTimeFloor(ctx, async () => {
    const user = await provePassword(ctx, credentials);
    await giveBack(ctx, byOrigin);
    return completeSignIn(ctx, { user, method: 'PASSWORD' });
  });
}

/**
 * Tries are counted by address, known or not. Each costs one hash; while the address is locked, a right password is as
 * wrong as any other.
 */
async function provePassword(ctx: Ctx, { email, password }: Credentials): Promise<User> {
  const address = EmailAddress.safeParse(email);
  const tries = { pool: 'password', subject: subjectOfAddress(ctx, address.data ?? email) } as const;
  const isOpen = await reserveAttempt(ctx, tries);
  const user = address.success ? await ctx.db.user.findUnique({ where: { email: address.data } }) : null;
  const isRight = await ctx.platform.passwords.verify(user?.passwordHash ?? null, password.slice(0, 1024));
  if (!isOpen || !isRight || !user?.passwordHash) throw new InvalidCredentials();
  await clearAttempts(ctx, tries);
  return ctx.platform.passwords.needsRehash(user.passwordHash) ? rehash(ctx, user, password) : user;
}

/** The person with a hash of today's cost, unless another sign-in was faster or the password was changed meanwhile. */
async function rehash(ctx: Ctx, user: User, password: string): Promise<User> {
  const { passwords } = ctx.platform;
  const passwordHash = await passwords.hash(password);
  const replaced = { id: user.id, passwordHash: user.passwordHash };
  const { count } = await ctx.db.user.updateMany({ where: replaced, data: { passwordHash } });
  if (count === 1) return { ...user, passwordHash };
  const current = await ctx.db.user.findUnique({ where: { id: user.id } });
  if (!current || !(await passwords.verify(current.passwordHash, password))) throw new InvalidCredentials();
  return current;
}
