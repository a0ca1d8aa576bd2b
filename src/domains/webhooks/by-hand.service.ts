import type { Ctx } from '../../context.ts';
import { Conflict, NotFound, ValidationFailed } from '../../errors.ts';
import type { WebhookEndpoint } from '../../generated/prisma/client.ts';
import { enqueue } from '../../jobs/queue.ts';
import { transact } from '../../platform/db.ts';
import { limit } from '../../platform/rate-limit.ts';
import { encodeId } from '../../platform/typeid.ts';
import { recordAudit } from '../audit/audit.service.ts';
import { recordEventFor } from '../events/events.service.ts';
import { lockEndpoint } from './endpoint-access.service.ts';
import { isDeliverable } from './endpoint-state.service.ts';
import { auditEndpoint } from './endpoints.service.ts';

const recoverableDays = 14;
const recoveredAtOnce = 10_000;
const recoveredPerSecond = 10;

/** Sends a `test.ping` to one endpoint, whatever it subscribes to. @throws Conflict unless it is enabled; NotFound, RateLimited */
export async function sendTest(ctx: Ctx, { endpointId }: { endpointId: string }): Promise<{ deliveryId: string }> {
  await limit(ctx, { name: 'webhookRequest', key: endpointId });
  return transact(ctx, async (ctx) => {
    const endpoint = await lockEndpoint(ctx, endpointId);
    requireDeliverable(ctx, endpoint);
    const delivery = await recordEventFor(ctx, {
      organizationId: endpoint.organizationId,
      endpointId,
      type: 'test.ping',
      data: { webhookEndpointId: encodeId('WebhookEndpoint', endpointId) },
    });
    await auditEndpoint(ctx, { endpoint, action: 'tested' });
    return delivery;
  });
}

/**
 * Sends a delivery again at once, under the id that it has, in place of the retry that it may be waiting for.
 * @throws Conflict while it is being sent, and unless its endpoint is enabled; NotFound
 */
export async function redeliver(ctx: Ctx, { deliveryId }: { deliveryId: string }): Promise<{ deliveryId: string }> {
  return transact(ctx, async (ctx) => {
    const delivery = await ctx.db.webhookDelivery.findUnique({ where: { id: deliveryId } });
    if (!delivery) throw new NotFound();
    const { endpointId, organizationId } = delivery;
    requireDeliverable(ctx, await lockEndpoint(ctx, endpointId));
    const { count } = await ctx.db.webhookDelivery.updateMany({
      where: { id: deliveryId, organizationId, status: { not: 'SENDING' } },
      data: { status: 'PENDING', dueAt: ctx.now(), isManual: true },
    });
    if (count === 0) throw new Conflict('It is being sent at this moment.', 'id');
    await enqueue(ctx, 'webhook.deliver', {});
    await recordAudit(ctx, {
      organizationId,
      action: 'webhookDelivery.requeued',
      targetType: 'WebhookDelivery',
      targetId: deliveryId,
      metadata: { webhookEndpointId: endpointId },
    });
    return { deliveryId };
  });
}

/**
 * Sends again, ten a second, what failed or was canceled since a moment of the last 14 days, the oldest first and at most
 * 10 000 at once. @throws ValidationFailed; Conflict unless the endpoint is enabled; NotFound, RateLimited
 */
export async function recoverEndpoint(
  ctx: Ctx,
  { endpointId, since }: { endpointId: string; since: Date },
): Promise<{ endpointId: string; count: number }> {
  await limit(ctx, { name: 'webhookRequest', key: endpointId });
  const age = ctx.now().getTime() - since.getTime();
  if (age < 0 || age > recoverableDays * 86_400_000)
    throw new ValidationFailed([{ path: ['since'], message: `Name a moment of the last ${recoverableDays} days.` }]);
  return transact(ctx, async (ctx) => {
    const endpoint = await lockEndpoint(ctx, endpointId);
    requireDeliverable(ctx, endpoint);
    const count = await requeueSince(ctx, { endpointId, since });
    if (count > 0) await enqueue(ctx, 'webhook.deliver', {});
    await auditEndpoint(ctx, { endpoint, action: 'recovered', metadata: { since: since.toISOString(), count } });
    return { endpointId, count };
  });
}

function requeueSince(ctx: Ctx, { endpointId, since }: { endpointId: string; since: Date }): Promise<number> {
  return ctx.db.$executeRaw`
    WITH lost AS (
      SELECT id, row_number() OVER (ORDER BY id) AS place FROM webhook_deliveries
      WHERE endpoint_id = ${endpointId}::uuid AND status IN ('FAILED', 'CANCELED') AND created_at >= ${since}::timestamptz
      ORDER BY id LIMIT ${recoveredAtOnce}
    )
    UPDATE webhook_deliveries SET status = 'PENDING', is_manual = true, retries_used = 0,
      due_at = ${ctx.now()}::timestamptz + lost.place * interval '1 second' / ${recoveredPerSecond}::float8
    FROM lost WHERE webhook_deliveries.id = lost.id AND webhook_deliveries.status IN ('FAILED', 'CANCELED')`;
}

function requireDeliverable(ctx: Ctx, endpoint: WebhookEndpoint): void {
  if (!isDeliverable(ctx, endpoint)) throw new Conflict('The endpoint is not enabled.', 'id');
}
