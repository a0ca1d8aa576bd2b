import type { ApiKeyActor } from '../../context.ts';
import type { Role } from '../../generated/prisma/client.ts';
import type { Platform } from '../../platform/platform.ts';
import { digestOf, sameBytes } from '../../platform/tokens.ts';
import { includesRole } from '../members/members.access.ts';
import { apiKeyIdIn } from './api-key-token.ts';
import { type ApiKeyScope, apiKeyScopes } from './api-keys.permissions.ts';

const useIsNotedEveryMs = 60_000;

interface LiveApiKey {
  readonly apiKeyId: string;
  readonly organizationId: string;
  readonly createdById: string;
  readonly role: Role;
  readonly scopes: ApiKeyScope[];
  readonly digest: Buffer;
  /** Null when its time is up. */
  readonly previousDigest: Buffer | null;
  readonly lastUsedAt: Date | null;
}

const liveKeys = `
  FROM api_keys k
  JOIN organizations o ON o.id = k.organization_id
  JOIN users u ON u.id = k.created_by_id
  JOIN memberships m ON m.organization_id = k.organization_id AND m.user_id = k.created_by_id
  WHERE k.revoked_at IS NULL AND k.expires_at > $2::timestamptz
    AND u.locked_at IS NULL AND u.email_verified_at IS NOT NULL
    AND (NOT o.requires_mfa OR EXISTS (SELECT FROM totp_factors f WHERE f.user_id = u.id))`;

const statement = `
  SELECT k.id AS "apiKeyId", k.organization_id AS "organizationId", k.created_by_id AS "createdById",
         m.role::text AS "role", k.scopes, k.digest, k.last_used_at AS "lastUsedAt",
         CASE WHEN k.previous_secret_expires_at > $2::timestamptz THEN k.previous_digest END AS "previousDigest"
  ${liveKeys} AND k.id = $1::uuid`;

/**
 * The one who acts with a key: what is committed now of the key, its creator and their membership, and of its scopes those
 * that the creator's role still allows. Null for a token that is not good, whichever way. Its use is noted, once a minute.
 */
export async function actorByApiKey(platform: Platform, token: string): Promise<ApiKeyActor | null> {
  const id = apiKeyIdIn(token);
  const key = id ? await findLiveKey(platform, id) : null;
  if (!key || !opens(key, digestOf(token))) return null;
  await noteUse(platform, key);
  return actorOf(key);
}

/** The one who acts with a key, by what was begun with it; null when the key opens nothing any more. */
export async function actorByApiKeyId(
  platform: Pick<Platform, 'read' | 'now'>,
  apiKeyId: string,
): Promise<ApiKeyActor | null> {
  const key = await findLiveKey(platform, apiKeyId);
  return key && actorOf(key);
}

async function findLiveKey({ read, now }: Pick<Platform, 'read' | 'now'>, id: string): Promise<LiveApiKey | null> {
  const [key] = await read<LiveApiKey>({ name: 'live-api-key', text: statement, values: [id, now()] });
  return key ?? null;
}

function actorOf(key: LiveApiKey): ApiKeyActor {
  const { apiKeyId, organizationId, createdById } = key;
  const role = key.role === 'OWNER' ? 'ADMIN' : key.role;
  const scopes = key.scopes.filter((scope) => includesRole(role, apiKeyScopes[scope]));
  return { kind: 'apiKey', apiKeyId, organizationId, createdById, role, scopes };
}

/** Those of many keys that open nothing any more: in one read. */
export async function endedKeys<Asked extends { apiKeyId: string }>(
  { read, now }: Pick<Platform, 'read' | 'now'>,
  asked: readonly Asked[],
): Promise<Asked[]> {
  if (asked.length === 0) return [];
  const rows = await read<{ id: string }>({
    name: 'standing-api-keys',
    text: `SELECT k.id ${liveKeys} AND k.id = ANY($1::uuid[])`,
    values: [asked.map((one) => one.apiKeyId), now()],
  });
  const live = new Set(rows.map(({ id }) => id));
  return asked.filter(({ apiKeyId }) => !live.has(apiKeyId));
}

function opens({ digest, previousDigest }: LiveApiKey, given: Buffer): boolean {
  return sameBytes(digest, given) || (previousDigest !== null && sameBytes(previousDigest, given));
}

async function noteUse({ db, now }: Platform, { apiKeyId, lastUsedAt }: LiveApiKey): Promise<void> {
  const noted = new Date(now().getTime() - useIsNotedEveryMs);
  if (lastUsedAt && lastUsedAt > noted) return;
  await db.apiKey.updateMany({
    where: { id: apiKeyId, OR: [{ lastUsedAt: null }, { lastUsedAt: { lte: noted } }] },
    data: { lastUsedAt: now() },
  });
}
