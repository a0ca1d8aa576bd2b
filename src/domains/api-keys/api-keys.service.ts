import { z } from 'zod';
import type { Ctx } from '../../context.ts';
import { NotFound, parseInput, ValidationFailed } from '../../errors.ts';
import type { ApiKey, Role } from '../../generated/prisma/client.ts';
import { transact } from '../../platform/db.ts';
import { digestOf } from '../../platform/tokens.ts';
import { encodeId, newId } from '../../platform/typeid.ts';
import { recordAudit } from '../audit/audit.service.ts';
import { recordEvent } from '../events/events.service.ts';
import { answerableUserId, includesRole } from '../members/members.access.ts';
import { hintOf, newApiKeyToken } from './api-key-token.ts';
import { type ApiKeyScope, apiKeyScopes } from './api-keys.permissions.ts';

const dayMs = 86_400_000;
const hourMs = 3_600_000;
const scopeNames = Object.keys(apiKeyScopes) as ApiKeyScope[];

const NewApiKey = z.object({
  name: z.string().trim().min(1, 'Give the key a name.').max(100, 'Use at most 100 characters.'),
  scopes: z
    .array(z.enum(scopeNames, 'There is no such scope; `apiKeyScopes` lists them.'))
    .min(1, 'Choose at least one scope.')
    .transform((chosen) => scopeNames.filter((scope) => chosen.includes(scope))),
  expiresInDays: z
    .int()
    .min(1, 'A key lives for a day at least.')
    .max(365, 'A key lives for a year at most.')
    .nullish(),
});
const Overlap = z.object({
  overlapHours: z.int().min(0, 'Use no less than 0 hours.').max(168, 'The old secret works for a week at most.'),
});
const expiresInDaysByDefault = 90;

/** A key and its secret, which nobody is shown again. */
export interface ApiKeySecret {
  readonly apiKeyId: string;
  readonly secret: string;
}

/**
 * Makes a key of an organization; what it may do is bounded by its creator's role at each use.
 * @throws ValidationFailed, also for a scope that the caller's role does not allow; NotFound for one who is no member any more
 */
export async function createApiKey(
  ctx: Ctx,
  input: { organizationId: string; name: string; scopes: string[]; expiresInDays?: number | null | undefined },
): Promise<ApiKeySecret> {
  const { organizationId } = input;
  const { name, scopes, expiresInDays } = parseInput(NewApiKey, input);
  const id = newId();
  const secret = newApiKeyToken(id);
  const createdAt = ctx.now();
  const expiresAt = new Date(createdAt.getTime() + (expiresInDays ?? expiresInDaysByDefault) * dayMs);
  await transact(ctx, async (ctx) => {
    const createdById = answerableUserId(ctx);
    const role = await holdSeat(ctx, { organizationId, userId: createdById });
    refuseScopesAbove(role, scopes);
    const digests = { digest: digestOf(secret), hint: hintOf(secret) };
    await ctx.db.apiKey.create({
      data: { id, organizationId, createdById, name, scopes, ...digests, createdAt, expiresAt },
    });
    const metadata = { name, scopes: scopes.join(' '), expiresAt: expiresAt.toISOString() };
    await recordEvent(ctx, { organizationId, type: 'apiKey.created', data: { apiKeyId: encodeId('ApiKey', id) } });
    await recordAudit(ctx, { organizationId, action: 'apiKey.created', targetType: 'ApiKey', targetId: id, metadata });
  });
  return { apiKeyId: id, secret };
}

/**
 * Gives a key a new secret. Name, scopes, creator and end stay; the old secret works for `overlapHours` more. A rotation
 * while another one overlaps ends the oldest secret at once: there are never more than two.
 * @throws ValidationFailed, also for a key that is revoked or over; NotFound
 */
export async function rotateApiKey(ctx: Ctx, input: { apiKeyId: string; overlapHours: number }): Promise<ApiKeySecret> {
  const { apiKeyId } = input;
  const { overlapHours } = parseInput(Overlap, input);
  const secret = newApiKeyToken(apiKeyId);
  await transact(ctx, async (ctx) => {
    const key = await lockKey(ctx, apiKeyId);
    if (key.revokedAt || key.expiresAt <= ctx.now()) throw notLive();
    const overlapEndsAt = overlapHours === 0 ? null : new Date(ctx.now().getTime() + overlapHours * hourMs);
    await ctx.db.apiKey.update({
      where: { id: apiKeyId },
      data: {
        digest: digestOf(secret),
        hint: hintOf(secret),
        previousDigest: overlapEndsAt && key.digest,
        previousSecretExpiresAt: overlapEndsAt,
      },
    });
    await recordEvent(ctx, {
      organizationId: key.organizationId,
      type: 'apiKey.rotated',
      data: { apiKeyId: encodeId('ApiKey', apiKeyId) },
    });
    await recordAudit(ctx, {
      organizationId: key.organizationId,
      action: 'apiKey.rotated',
      targetType: 'ApiKey',
      targetId: apiKeyId,
      metadata: { overlapHours, scopes: key.scopes.join(' ') },
    });
  });
  return { apiKeyId, secret };
}

/** The caller's role, which nobody can take from them until the transaction ends. @throws NotFound */
async function holdSeat(
  ctx: Ctx,
  { organizationId, userId }: { organizationId: string; userId: string },
): Promise<Role> {
  const [seat] = await ctx.db.$queryRaw<{ role: Role }[]>`
    SELECT role::text AS role FROM memberships
    WHERE organization_id = ${organizationId}::uuid AND user_id = ${userId}::uuid FOR SHARE`;
  if (!seat) throw new NotFound();
  return seat.role;
}

function refuseScopesAbove(role: Role, scopes: readonly ApiKeyScope[]): void {
  const issues = scopes
    .filter((scope) => !includesRole(role, apiKeyScopes[scope]))
    .map((scope) => ({ path: ['scopes'], message: `Your role does not allow ${scope}.` }));
  if (issues.length > 0) throw new ValidationFailed(issues);
}

async function lockKey(ctx: Ctx, apiKeyId: string): Promise<ApiKey> {
  await ctx.db.$queryRaw`SELECT FROM api_keys WHERE id = ${apiKeyId}::uuid FOR UPDATE`;
  const key = await ctx.db.apiKey.findUnique({ where: { id: apiKeyId } });
  if (!key) throw new NotFound();
  return key;
}

function notLive(): ValidationFailed {
  return new ValidationFailed([{ path: ['id'], message: 'This key has ended. Make a new one.' }]);
}
