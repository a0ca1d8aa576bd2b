import type { RequestCtx } from '../context.ts';
import * as access from '../domains/members/members.access.ts';

/**
 * Who may. Parameters are organization ids (UUIDs) as strings, because the scope cache compares them by identity.
 * A refused scope throws the error that tells its caller what to do; none of them just says no.
 */
export interface Scopes {
  /** Anyone. Written out, so that no root field is silent about it. */
  public: boolean;
  signedIn: boolean;
  member: string;
  orgAdmin: string;
  orgOwner: string;
  /** For reading: a member, or a superuser with a second factor. */
  memberOrSuperuser: string;
  adminOrSuperuser: string;
  superuser: boolean;
  mfaSatisfied: boolean;
  reauthenticated: boolean;
}

/**
 * Every check is a promise: one that threw at once would leave the rejection of its neighbours to nobody. Of several
 * refusals the caller hears the role's, in whatever order they are written: who has no business there learns no more.
 */
export function scopesOf(ctx: RequestCtx) {
  const roleChecks: Promise<unknown>[] = [];
  const byRole = (check: (organizationId: string) => Promise<true>) => (organizationId: string) => {
    const result = check(organizationId);
    roleChecks.push(result.catch(() => null));
    return result;
  };
  const afterRoles = (check: (ctx: RequestCtx) => true) => async () => {
    // By then those have begun that are written after this one.
    await Promise.resolve();
    await Promise.all(roleChecks);
    return check(ctx);
  };
  return {
    public: true,
    signedIn: async () => access.requireSignedIn(ctx),
    member: byRole((organizationId) => access.requireRole(ctx, organizationId, 'MEMBER')),
    orgAdmin: byRole((organizationId) => access.requireRole(ctx, organizationId, 'ADMIN')),
    orgOwner: byRole((organizationId) => access.requireRole(ctx, organizationId, 'OWNER')),
    memberOrSuperuser: byRole((organizationId) => access.requireReader(ctx, organizationId, 'MEMBER')),
    adminOrSuperuser: byRole((organizationId) => access.requireReader(ctx, organizationId, 'ADMIN')),
    superuser: async () => access.requireSuperuser(ctx),
    mfaSatisfied: afterRoles(access.requireMfaSatisfied),
    reauthenticated: afterRoles(access.requireReauthenticated),
  };
}
