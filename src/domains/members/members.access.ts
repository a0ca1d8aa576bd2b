import type { Actor, Ctx, UserActor } from '../../context.ts';
import { Forbidden, MfaRequired, NotFound, ReauthenticationRequired, Unauthenticated } from '../../errors.ts';
import type { Prisma, Role } from '../../generated/prisma/client.ts';

const reauthenticationMinutes = 10;
const rank: Record<Role, number> = { MEMBER: 1, ADMIN: 2, OWNER: 3 };

/** Whether a role includes all that another one may do. */
export function includesRole(role: Role, atLeast: Role): boolean {
  return rank[role] >= rank[atLeast];
}

/** The signed-in person. @throws Unauthenticated */
export function signedInActor(ctx: { actor: Actor }): UserActor {
  if (ctx.actor.kind !== 'user') throw new Unauthenticated();
  return ctx.actor;
}

/** The caller's role in an organization, null for an outsider. */
export async function roleIn(ctx: Ctx, organizationId: string): Promise<Role | null> {
  const { actor } = ctx;
  if (actor.kind !== 'user') return null;
  if (actor.activeMembership?.organizationId === organizationId) return actor.activeMembership.role;
  const membership = await ctx.db.membership.findUnique({
    where: { organizationId_userId: { organizationId, userId: actor.userId } },
    select: { role: true },
  });
  return membership?.role ?? null;
}

export function requireSignedIn(ctx: Ctx): true {
  signedInActor(ctx);
  return true;
}

/** Outsiders get the NOT_FOUND that a missing organization gives; members of too low a role FORBIDDEN. */
export async function requireRole(ctx: Ctx, organizationId: string, atLeast: Role): Promise<true> {
  signedInActor(ctx);
  const role = await roleIn(ctx, organizationId);
  if (!role) throw new NotFound();
  if (!includesRole(role, atLeast)) throw new Forbidden();
  return true;
}

/** As `requireRole`, and open to superusers with a second factor: for reading only. */
export async function requireReader(ctx: Ctx, organizationId: string, atLeast: Role): Promise<true> {
  return readsEverything(ctx.actor) || requireRole(ctx, organizationId, atLeast);
}

export function requireSuperuser(ctx: Ctx): true {
  if (!signedInActor(ctx).isSuperuser) throw new Forbidden();
  return true;
}

export function requireMfaSatisfied(ctx: Ctx): true {
  if (!signedInActor(ctx).mfaSatisfiedAt) throw new MfaRequired();
  return true;
}

export function requireReauthenticated(ctx: Ctx): true {
  const { authenticatedAt } = signedInActor(ctx);
  const oldest = ctx.now().getTime() - reauthenticationMinutes * 60_000;
  if (authenticatedAt.getTime() < oldest) throw new ReauthenticationRequired();
  return true;
}

/** Superusers with a second factor read every organization. */
export function readsEverything(actor: Actor): boolean {
  return actor.kind === 'system' || (actor.kind === 'user' && actor.isSuperuser && actor.mfaSatisfiedAt !== null);
}

/** The organizations that the caller may see. */
export function visibleOrganizations(actor: Actor): Prisma.OrganizationWhereInput {
  if (readsEverything(actor)) return {};
  if (actor.kind !== 'user') return { id: { in: [] } };
  return { memberships: { some: { userId: actor.userId } } };
}

/** The profiles that the caller may see (F28): the own one, and those of people in a shared organization. */
export function visibleUsers(actor: Actor): Prisma.UserWhereInput {
  if (readsEverything(actor)) return {};
  if (actor.kind !== 'user') return { id: { in: [] } };
  const shared = { organization: { memberships: { some: { userId: actor.userId } } } };
  return { OR: [{ id: actor.userId }, { memberships: { some: shared } }] };
}
