import type { Actor, ApiKeyActor, Ctx, Seat, UserActor } from '../../context.ts';
import { Forbidden, MfaRequired, NotFound, ReauthenticationRequired, Unauthenticated } from '../../errors.ts';
import type { Prisma, Role } from '../../generated/prisma/client.ts';
import type { ApiKeyScope } from '../api-keys/api-keys.permissions.ts';

const reauthenticationMinutes = 10;
const rank: Record<Role, number> = { MEMBER: 1, ADMIN: 2, OWNER: 3 };

/** Whether a role includes all that another one may do. */
export function includesRole(role: Role, atLeast: Role): boolean {
  return rank[role] >= rank[atLeast];
}

/** The signed-in person. @throws Unauthenticated; Forbidden for a key, which is nobody's session */
export function signedInActor(ctx: { actor: Actor }): UserActor {
  if (ctx.actor.kind === 'apiKey') throw new Forbidden('An API key cannot do this.');
  if (ctx.actor.kind !== 'user') throw new Unauthenticated();
  return ctx.actor;
}

/** Who answers for what the caller does in an organization: the signed-in person, or the one who made the key. @throws Unauthenticated */
export function answerableUserId(ctx: { actor: Actor }): string {
  return ctx.actor.kind === 'apiKey' ? ctx.actor.createdById : signedInActor(ctx).userId;
}

/** What the caller is in the seat of the one who answers for them: a key is an admin at most, whoever made it. */
export function boundedRole(actor: Actor, role: Role): Role {
  return actor.kind === 'apiKey' && role === 'OWNER' ? 'ADMIN' : role;
}

/** The caller's role in an organization, null for an outsider. */
export async function roleIn(ctx: Ctx, organizationId: string): Promise<Role | null> {
  return (await seatIn(ctx, organizationId))?.role ?? null;
}

/** The caller's seat in an organization, null for an outsider. */
export async function seatIn(ctx: Ctx, organizationId: string): Promise<Seat | null> {
  const { actor } = ctx;
  if (actor.kind === 'apiKey') return seatOfKey(actor, organizationId);
  if (actor.kind !== 'user') return null;
  if (actor.activeMembership?.organizationId === organizationId) return actor.activeMembership;
  const membership = await ctx.db.membership.findUnique({
    where: { organizationId_userId: { organizationId, userId: actor.userId } },
    select: { role: true, organization: { select: { requiresMfa: true } } },
  });
  return membership && { role: membership.role, requiresMfa: membership.organization.requiresMfa };
}

/** Making a key took a second factor, and one that its creator has no more lets none of their keys in. */
function seatOfKey({ organizationId, role }: ApiKeyActor, wantedId: string): Seat | null {
  return organizationId === wantedId ? { role, requiresMfa: false } : null;
}

/** The people who run an organization: its owners and admins. */
export async function adminIdsOf(ctx: Ctx, organizationId: string): Promise<string[]> {
  const admins = await ctx.db.membership.findMany({
    where: { organizationId, role: { in: ['OWNER', 'ADMIN'] } },
    select: { userId: true },
  });
  return admins.map(({ userId }) => userId);
}

export function requireSignedIn(ctx: Ctx): true {
  signedInActor(ctx);
  return true;
}

/**
 * Outsiders get the NOT_FOUND that a missing organization gives; members of too low a role FORBIDDEN; members whose session
 * lacks the second factor that the organization wants MFA_REQUIRED.
 */
export async function requireRole(ctx: Ctx, organizationId: string, atLeast: Role): Promise<true> {
  answerableUserId(ctx);
  const seat = await seatIn(ctx, organizationId);
  if (!seat) throw new NotFound();
  if (!includesRole(seat.role, atLeast)) throw new Forbidden();
  return seat.requiresMfa ? requireMfaSatisfied(ctx) : true;
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
  // Nobody makes a key without a second factor.
  if (ctx.actor.kind === 'apiKey') return true;
  if (!signedInActor(ctx).mfaSatisfiedAt) throw new MfaRequired();
  return true;
}

export function requireReauthenticated(ctx: Ctx): true {
  if (reauthenticatedUntil(signedInActor(ctx)) < ctx.now()) throw new ReauthenticationRequired();
  return true;
}

/** Until when a proof of who somebody is opens sensitive changes to their session. */
export function reauthenticatedUntil({ authenticatedAt }: Pick<UserActor, 'authenticatedAt'>): Date {
  return new Date(authenticatedAt.getTime() + reauthenticationMinutes * 60_000);
}

/** Superusers with a second factor read every organization. */
export function readsEverything(actor: Actor): boolean {
  return actor.kind === 'system' || (actor.kind === 'user' && actor.isSuperuser && actor.mfaSatisfiedAt !== null);
}

/** The organizations that the caller may see: their names, not what is in them. */
export function visibleOrganizations(actor: Actor): Prisma.OrganizationWhereInput {
  if (readsEverything(actor)) return {};
  if (actor.kind === 'apiKey') return { id: actor.organizationId };
  if (actor.kind !== 'user') return { id: { in: [] } };
  return { memberships: { some: { userId: actor.userId } } };
}

/** What an organization of `openOrganizations` is to a key: its own, if it has the scope. */
export function organizationOpenToKey(actor: ApiKeyActor, scope: ApiKeyScope): Prisma.OrganizationWhereInput {
  return { id: { in: actor.scopes.includes(scope) ? [actor.organizationId] : [] } };
}

/**
 * The organizations whose people and things a person may see, in one of these roles where some are named. None for a key:
 * each kind of thing says by `organizationOpenToKey` which scope opens it.
 */
export function openOrganizations(actor: Actor, ...roles: Role[]): Prisma.OrganizationWhereInput {
  if (readsEverything(actor)) return {};
  if (actor.kind !== 'user') return { id: { in: [] } };
  const seat = { userId: actor.userId, ...(roles.length > 0 && { role: { in: roles } }) };
  return { memberships: { some: seat }, ...(!actor.mfaSatisfiedAt && { requiresMfa: false }) };
}

/** The seats that the caller may see: their own, and those in open organizations. */
export function visibleMemberships(actor: Actor): Prisma.MembershipWhereInput {
  if (readsEverything(actor)) return {};
  if (actor.kind === 'apiKey') return { organization: organizationOpenToKey(actor, 'members:read') };
  const open = { organization: openOrganizations(actor) };
  return actor.kind === 'user' ? { OR: [{ userId: actor.userId }, open] } : open;
}

/** The profiles that the caller may see (F28): the own one, and those of people in a shared organization. */
export function visibleUsers(actor: Actor): Prisma.UserWhereInput {
  if (readsEverything(actor)) return {};
  if (actor.kind === 'apiKey')
    return { memberships: { some: { organization: organizationOpenToKey(actor, 'members:read') } } };
  if (actor.kind !== 'user') return { id: { in: [] } };
  return { OR: [{ id: actor.userId }, { memberships: { some: { organization: openOrganizations(actor) } } }] };
}
