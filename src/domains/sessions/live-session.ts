import type { Ctx, UserActor } from '../../context.ts';
import type { Role } from '../../generated/prisma/client.ts';

/** What one read says of a session that is good now, its person, and the organization that it acts in. */
export interface LiveSession {
  readonly sessionId: string;
  readonly userId: string;
  readonly email: string;
  readonly isSuperuser: boolean;
  readonly authenticatedAt: Date;
  readonly mfaSatisfiedAt: Date | null;
  readonly organizationId: string | null;
  readonly role: Role | null;
}

/**
 * The session, if it is neither revoked nor over and its person neither locked nor unverified. With `organizationId`
 * the membership is the one there or none; without, the session's choice, else the oldest membership (F06).
 */
export async function findLiveSession(
  ctx: Pick<Ctx, 'db' | 'now'>,
  input: { sessionId: string; organizationId: string | null },
): Promise<LiveSession | null> {
  const now = ctx.now();
  const [row] = await ctx.db.$queryRaw<LiveSession[]>`
    SELECT s.id AS "sessionId", u.id AS "userId", u.email, u.is_superuser AS "isSuperuser",
           s.authenticated_at AS "authenticatedAt", s.mfa_satisfied_at AS "mfaSatisfiedAt",
           m.organization_id AS "organizationId", m.role::text AS "role"
    FROM sessions s
    JOIN users u ON u.id = s.user_id
    LEFT JOIN LATERAL (
      SELECT organization_id, role FROM memberships
      WHERE user_id = u.id AND (${input.organizationId}::uuid IS NULL OR organization_id = ${input.organizationId}::uuid)
      ORDER BY organization_id IS NOT DISTINCT FROM s.active_organization_id DESC, joined_at, id
      LIMIT 1
    ) m ON true
    WHERE s.id = ${input.sessionId}::uuid AND s.revoked_at IS NULL
      AND s.expires_at > ${now} AND s.idle_expires_at > ${now}
      AND u.locked_at IS NULL AND u.email_verified_at IS NOT NULL`;
  return row ?? null;
}

/** The person of a live session as the one who acts. */
export function actorOf(live: LiveSession): UserActor {
  const { organizationId, role, ...person } = live;
  return { kind: 'user', ...person, activeMembership: organizationId && role ? { organizationId, role } : null };
}
