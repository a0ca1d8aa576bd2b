import type { UserActor } from '../../context.ts';
import type { Role } from '../../generated/prisma/client.ts';
import type { Platform } from '../../platform/platform.ts';

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
  readonly requiresMfa: boolean | null;
}

const statement = `
  SELECT s.id AS "sessionId", u.id AS "userId", u.email, u.is_superuser AS "isSuperuser",
         s.authenticated_at AS "authenticatedAt", s.mfa_satisfied_at AS "mfaSatisfiedAt",
         m.organization_id AS "organizationId", m.role::text AS "role", o.requires_mfa AS "requiresMfa"
  FROM sessions s
  JOIN users u ON u.id = s.user_id
  LEFT JOIN LATERAL (
    SELECT organization_id, role FROM memberships
    WHERE user_id = u.id AND ($2::uuid IS NULL OR organization_id = $2::uuid)
    ORDER BY organization_id IS NOT DISTINCT FROM s.active_organization_id DESC, joined_at, id
    LIMIT 1
  ) m ON true
  LEFT JOIN organizations o ON o.id = m.organization_id
  WHERE s.id = $1::uuid AND s.revoked_at IS NULL
    AND s.expires_at > $3::timestamptz AND s.idle_expires_at > $3::timestamptz
    AND u.locked_at IS NULL AND u.email_verified_at IS NOT NULL`;

/**
 * The session, if it is neither revoked nor over and its person neither locked nor unverified: what is committed now, since
 * every request asks and nothing is cached. With `organizationId` the membership is the one there or none; without, the
 * session's choice, else the oldest membership (F06).
 */
export async function findLiveSession(
  { read, now }: Pick<Platform, 'read' | 'now'>,
  input: { sessionId: string; organizationId: string | null },
): Promise<LiveSession | null> {
  const values = [input.sessionId, input.organizationId, now()];
  const [row] = await read<LiveSession>({ name: 'live-session', text: statement, values });
  return row ?? null;
}

const standingStatement = `
  SELECT w.position::int - 1 AS "index", s.id IS NOT NULL AS "isLive"
  FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY w (session_id, organization_id, position)
  LEFT JOIN (sessions s JOIN users u ON u.id = s.user_id AND u.locked_at IS NULL AND u.email_verified_at IS NOT NULL)
    ON s.id = w.session_id AND s.revoked_at IS NULL
    AND s.expires_at > $3::timestamptz AND s.idle_expires_at > $3::timestamptz
  WHERE s.id IS NULL OR (w.organization_id IS NOT NULL AND NOT EXISTS (
    SELECT FROM memberships m WHERE m.user_id = s.user_id AND m.organization_id = w.organization_id))`;

/** Those of many that are live no more, or whose person has left the organization named beside them: in one read. */
export async function endedSessions<Asked extends { sessionId: string; organizationId: string | null }>(
  { read, now }: Pick<Platform, 'read' | 'now'>,
  asked: readonly Asked[],
): Promise<(Asked & { readonly isLive: boolean })[]> {
  if (asked.length === 0) return [];
  const values = [asked.map((one) => one.sessionId), asked.map((one) => one.organizationId), now()];
  const rows = await read<{ index: number; isLive: boolean }>({
    name: 'standing-sessions',
    text: standingStatement,
    values,
  });
  return rows.flatMap(({ index, isLive }) => (asked[index] ? [{ ...asked[index], isLive }] : []));
}

/** The person of a live session as the one who acts. */
export function actorOf(live: LiveSession): UserActor {
  const { organizationId, role, requiresMfa, ...person } = live;
  const activeMembership = organizationId && role ? { organizationId, role, requiresMfa: requiresMfa ?? false } : null;
  return { kind: 'user', ...person, activeMembership };
}
