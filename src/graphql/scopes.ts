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

export function scopesOf(ctx: RequestCtx) {
  return {
    public: true,
    signedIn: () => access.requireSignedIn(ctx),
    member: (organizationId: string) => access.requireRole(ctx, organizationId, 'MEMBER'),
    orgAdmin: (organizationId: string) => access.requireRole(ctx, organizationId, 'ADMIN'),
    orgOwner: (organizationId: string) => access.requireRole(ctx, organizationId, 'OWNER'),
    memberOrSuperuser: (organizationId: string) => access.requireReader(ctx, organizationId, 'MEMBER'),
    adminOrSuperuser: (organizationId: string) => access.requireReader(ctx, organizationId, 'ADMIN'),
    superuser: () => access.requireSuperuser(ctx),
    mfaSatisfied: () => access.requireMfaSatisfied(ctx),
    reauthenticated: () => access.requireReauthenticated(ctx),
  };
}
