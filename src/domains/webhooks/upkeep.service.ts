import type { Ctx } from '../../context.ts';
import { transact } from '../../platform/db.ts';
import { holdEndpoint } from './endpoint-access.service.ts';
import { statusOf, tellAdmins } from './endpoint-state.service.ts';
import { auditEndpoint } from './endpoints.service.ts';

/** So long events can be looked at and sent again. */
const keptDays = 30;
const removedAtOnce = 2_000;

/** Pauses whom no proof has come from in time, forgets secrets that sign no more, and events that are old. */
export async function lookAfterWebhooks(ctx: Ctx): Promise<void> {
  await pauseUnproved(ctx);
  await ctx.db.webhookEndpoint.updateMany({
    where: { previousSecretExpiresAt: { lte: ctx.now() } },
    data: { previousSecret: null, previousSecretExpiresAt: null },
  });
  await removeOldEvents(ctx);
}

/** Nothing is sent to them from the moment on; this writes it down and tells their admins. */
async function pauseUnproved(ctx: Ctx): Promise<void> {
  const late = await ctx.db.webhookEndpoint.findMany({
    where: { status: 'ENABLED', reverifyBy: { lte: ctx.now() } },
    select: { id: true },
  });
  for (const { id } of late) await transact(ctx, (ctx) => pause(ctx, id));
}

async function pause(ctx: Ctx, endpointId: string): Promise<void> {
  const endpoint = await holdEndpoint(ctx, endpointId);
  // Verified or changed meanwhile.
  if (endpoint?.status !== 'ENABLED' || statusOf(ctx, endpoint) !== 'PAUSED') return;
  await ctx.db.webhookEndpoint.update({ where: { id: endpointId }, data: { status: 'PAUSED' } });
  await tellAdmins(ctx, endpoint, { type: 'webhookEndpoint.failing', reason: 'unverified' });
  await auditEndpoint(ctx, { endpoint, action: 'paused', metadata: { reason: 'unverified' } });
}

/** With their deliveries and attempts. */
async function removeOldEvents(ctx: Ctx): Promise<void> {
  const before = new Date(ctx.now().getTime() - keptDays * 86_400_000);
  for (let removed = removedAtOnce; removed === removedAtOnce; ) {
    removed = await ctx.db.$executeRaw`
      DELETE FROM webhook_events WHERE id IN (
        SELECT id FROM webhook_events WHERE created_at < ${before}::timestamptz LIMIT ${removedAtOnce})`;
  }
}
