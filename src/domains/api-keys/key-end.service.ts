import type { Ctx } from '../../context.ts';
import { transact } from '../../platform/db.ts';
import { adminIdsOf } from '../members/members.access.ts';
import { notify } from '../notifications/notify.service.ts';

const aheadMs = 7 * 86_400_000;

/**
 * Tells owners and admins of each key that ends within a week, once. Who makes a key for a week or less knows that it ends.
 * One transaction a key, so that none waits for the people of another organization.
 */
export async function tellOfEnds(ctx: Ctx): Promise<void> {
  while (await transact(ctx, tellOfOne));
}

async function tellOfOne(ctx: Ctx): Promise<boolean> {
  const now = ctx.now();
  const soon = new Date(now.getTime() + aheadMs);
  const [key] = await ctx.db.$queryRaw<{ id: string; organizationId: string; name: string; expiresAt: Date }[]>`
    UPDATE api_keys SET end_told_at = ${now} WHERE id = (
      SELECT id FROM api_keys
      WHERE end_told_at IS NULL AND revoked_at IS NULL AND expires_at > ${now} AND expires_at <= ${soon}
        AND expires_at - created_at > interval '7 days'
      ORDER BY expires_at LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING id::text, organization_id::text AS "organizationId", name, expires_at AS "expiresAt"`;
  if (!key) return false;
  const { organizationId, id: apiKeyId, name } = key;
  const data = { apiKeyId, name, endsOn: key.expiresAt.toISOString().slice(0, 10) };
  await notify(ctx, { userIds: await adminIdsOf(ctx, organizationId), type: 'apiKey.expiring', organizationId, data });
  return true;
}
