import type { Ctx } from '../../context.ts';
import { NotFound } from '../../errors.ts';
import { transact } from '../../platform/db.ts';
import { encodeId } from '../../platform/typeid.ts';
import { recordAudit } from '../audit/audit.service.ts';
import { recordEvent } from '../events/events.service.ts';

/** Ends a key at its next use; one that has ended already stays as it is. @throws NotFound */
export async function revokeApiKey(ctx: Ctx, { apiKeyId }: { apiKeyId: string }): Promise<{ apiKeyId: string }> {
  await transact(ctx, async (ctx) => {
    const key = await ctx.db.apiKey.findUnique({ where: { id: apiKeyId }, select: { id: true, organizationId: true } });
    if (!key) throw new NotFound();
    await revoke(ctx, { ...key, reason: 'asked' });
  });
  return { apiKeyId };
}

/**
 * Ends the keys that a person has made, in one organization or, without one, in all, each with an entry in the audit log.
 * Joins the caller's transaction; call it when the membership is gone, so that no new key slips in between.
 */
export async function revokeKeysOf(
  ctx: Ctx,
  input: { userId: string; organizationId?: string; reason: string },
): Promise<void> {
  const { userId, organizationId, reason } = input;
  const keys = await ctx.db.apiKey.findMany({
    where: { createdById: userId, ...(organizationId && { organizationId }), revokedAt: null },
    // Audit heads are locked in one order.
    orderBy: [{ organizationId: 'asc' }, { id: 'asc' }],
    select: { id: true, organizationId: true },
  });
  for (const key of keys) await revoke(ctx, { ...key, reason });
}

async function revoke(
  ctx: Ctx,
  { id, organizationId, reason }: { id: string; organizationId: string; reason: string },
) {
  const { count } = await ctx.db.apiKey.updateMany({ where: { id, revokedAt: null }, data: { revokedAt: ctx.now() } });
  if (count === 0) return;
  await recordEvent(ctx, { organizationId, type: 'apiKey.revoked', data: { apiKeyId: encodeId('ApiKey', id) } });
  await recordAudit(ctx, {
    organizationId,
    action: 'apiKey.revoked',
    targetType: 'ApiKey',
    targetId: id,
    metadata: { reason },
  });
}
