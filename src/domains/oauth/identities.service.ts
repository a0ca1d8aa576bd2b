import type { Ctx } from '../../context.ts';
import { LastSignInMethod, NotFound, OAuthFailed } from '../../errors.ts';
import type { User } from '../../generated/prisma/client.ts';
import { transact } from '../../platform/db.ts';
import type { ProvenPerson } from '../../platform/identity-provider.ts';
import { newId } from '../../platform/typeid.ts';
import { PersonName } from '../accounts/accounts.service.ts';
import { claimAddress, confirmAddress } from '../accounts/address-claim.service.ts';
import { EmailAddress } from '../accounts/email-address.ts';
import { recordAudit } from '../audit/audit.service.ts';
import { sendNotice } from '../mail/notices.service.ts';
import { signedInActor } from '../members/members.access.ts';

interface Proof extends ProvenPerson {
  readonly provider: string;
  /** The person who asked to link it; null when it is a sign-in. */
  readonly linkTo: string | null;
}

/**
 * The person whom an identity belongs to: the one it is linked to, else the one who asked to link it, else the owner of
 * its address, who may be new. An address counts only when the provider has confirmed it, and an account only when its
 * owner has: one that nobody confirmed is taken from whoever made it.
 * @throws OAuthFailed
 */
export async function personBehind(ctx: Ctx, proof: Proof): Promise<User> {
  const { provider, subject, linkTo } = proof;
  return transact(ctx, async (ctx) => {
    // Sign-ins of one identity go one after the other, also before it has a row.
    await ctx.db.$queryRaw`SELECT pg_advisory_xact_lock(hashtextextended(${`${provider} ${subject}`}, 0))::text`;
    const identity = await ctx.db.identity.findUnique({
      where: { provider_subject: { provider, subject } },
      include: { user: true },
    });
    if (!identity) return linkTo ? linkToAccount(ctx, proof, { id: linkTo }) : personWithAddress(ctx, proof);
    if (linkTo && linkTo !== identity.userId) throw new OAuthFailed('This way to sign in belongs to another account.');
    return identity.user;
  });
}

/**
 * Takes a way to sign in from the caller's account. Of two at once the last one stays.
 * @throws NotFound, LastSignInMethod
 */
export async function unlinkIdentity(ctx: Ctx, input: { identityId: string }): Promise<{ identityId: string }> {
  const { identityId } = input;
  const { userId } = signedInActor(ctx);
  await transact(ctx, async (ctx) => {
    const { passwordHash } = await lockUser(ctx, { id: userId });
    const identity = await ctx.db.identity.findUnique({ where: { id: identityId, userId } });
    if (!identity) throw new NotFound();
    // One of a provider that is not configured any more lets nobody in.
    const provider = { in: [...ctx.platform.identityProviders.keys()] };
    const others = await ctx.db.identity.count({ where: { userId, provider, id: { not: identityId } } });
    if (passwordHash === null && others === 0) throw new LastSignInMethod();
    await ctx.db.identity.delete({ where: { id: identityId, userId } });
    await sendNotice(ctx, { userId, kind: 'identityUnlinked' });
    await record(ctx, { action: 'identity.unlinked', identityId, userId, provider: identity.provider });
  });
  return { identityId };
}

async function personWithAddress(ctx: Ctx, proof: Proof): Promise<User> {
  const email = EmailAddress.safeParse(proof.email).data;
  if (!email || !proof.emailVerified) {
    throw new OAuthFailed('The provider has not confirmed your address. Confirm it there, then try again.');
  }
  const name = PersonName.safeParse(proof.name?.slice(0, 100)).data ?? email.split('@')[0] ?? email;
  const newcomer = await claimAddress(ctx, { email, name, passwordHash: null });
  if (!newcomer) return linkToAccount(ctx, proof, { email });
  const user = await confirmAddress(ctx, newcomer);
  await recordAudit(ctx, { organizationId: null, action: 'account.registered', targetType: 'User', targetId: user.id });
  await link(ctx, proof, user);
  return user;
}

async function linkToAccount(ctx: Ctx, proof: Proof, key: { id: string } | { email: string }): Promise<User> {
  const user = await lockUser(ctx, key);
  // The gate refuses them, and nothing of theirs changes.
  if (user.lockedAt || !user.emailVerifiedAt) return user;
  await sendNotice(ctx, { userId: user.id, kind: 'identityLinked' });
  await link(ctx, proof, user);
  return user;
}

async function link(ctx: Ctx, { provider, subject, email }: Proof, { id: userId }: User): Promise<void> {
  const id = newId();
  await ctx.db.identity.create({ data: { id, userId, provider, subject, email, createdAt: ctx.now() } });
  await record(ctx, { action: 'identity.linked', identityId: id, userId, provider });
}

async function lockUser(ctx: Ctx, key: { id: string } | { email: string }): Promise<User> {
  if ('id' in key) await ctx.db.$queryRaw`SELECT id FROM users WHERE id = ${key.id}::uuid FOR UPDATE`;
  else await ctx.db.$queryRaw`SELECT id FROM users WHERE email = ${key.email} FOR UPDATE`;
  const user = await ctx.db.user.findUnique({ where: key });
  if (!user) throw new OAuthFailed();
  return user;
}

async function record(
  ctx: Ctx,
  { action, identityId, ...metadata }: { action: string; identityId: string; userId: string; provider: string },
): Promise<void> {
  await recordAudit(ctx, { organizationId: null, action, targetType: 'Identity', targetId: identityId, metadata });
}
