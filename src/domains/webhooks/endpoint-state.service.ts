import type { Ctx } from '../../context.ts';
import type { WebhookEndpoint, WebhookEndpointStatus } from '../../generated/prisma/client.ts';
import { enqueue } from '../../jobs/queue.ts';
import { transact } from '../../platform/db.ts';
import { encodeId } from '../../platform/typeid.ts';
import { recordEvent } from '../events/events.service.ts';
import { adminIdsOf } from '../members/members.access.ts';
import { notify } from '../notifications/notify.service.ts';
import { lockEndpoint } from './endpoint-access.service.ts';
import { auditEndpoint } from './endpoints.service.ts';

type DisabledBecause = 'gone' | 'failing' | 'asked';

/** How the endpoint stands at this moment: one that has not proved its new secret in time is paused from then on. */
export function statusOf(ctx: Ctx, endpoint: Pick<WebhookEndpoint, 'status' | 'reverifyBy'>): WebhookEndpointStatus {
  const { status, reverifyBy } = endpoint;
  return status === 'ENABLED' && reverifyBy && reverifyBy <= ctx.now() ? 'PAUSED' : status;
}

/** Whether anything may be sent to it now. */
export function isDeliverable(ctx: Ctx, endpoint: Pick<WebhookEndpoint, 'status' | 'reverifyBy'>): boolean {
  return statusOf(ctx, endpoint) === 'ENABLED';
}

/**
 * Switches an endpoint off, or on again. One that has not proved that it holds the newest secret goes on only once it has;
 * the challenge is sent at once. @throws NotFound
 */
export async function setEndpointEnabled(
  ctx: Ctx,
  { endpointId, enabled }: { endpointId: string; enabled: boolean },
): Promise<{ endpointId: string }> {
  return transact(ctx, async (ctx) => {
    const endpoint = await lockEndpoint(ctx, endpointId);
    if (enabled) await enable(ctx, endpoint);
    else if (endpoint.status !== 'DISABLED') await disable(ctx, endpoint, 'asked');
    return { endpointId };
  });
}

async function enable(ctx: Ctx, endpoint: WebhookEndpoint): Promise<void> {
  const { id, status, verifiedAt } = endpoint;
  if (!verifiedAt && status !== 'ENABLED') await enqueue(ctx, 'webhook.challenge', { endpointId: id });
  if (status !== 'DISABLED') return;
  await ctx.db.webhookEndpoint.update({
    where: { id },
    data: {
      status: verifiedAt ? 'ENABLED' : 'PENDING_VERIFICATION',
      reverifyBy: null,
      failingSince: null,
      warnedAt: null,
    },
  });
  await auditEndpoint(ctx, { endpoint, action: 'enabled' });
}

/** Ends deliveries to an endpoint; what waits is canceled. Admins are told, and the other endpoints. The row must be locked. */
export async function disable(ctx: Ctx, endpoint: WebhookEndpoint, reason: DisabledBecause): Promise<void> {
  const { id, organizationId } = endpoint;
  await ctx.db.webhookEndpoint.update({ where: { id }, data: { status: 'DISABLED', reverifyBy: null } });
  await ctx.db.webhookDelivery.updateMany({
    where: { endpointId: id, status: 'PENDING' },
    data: { status: 'CANCELED', dueAt: null },
  });
  await tellAdmins(ctx, endpoint, { type: 'webhookEndpoint.disabled', reason });
  await recordEvent(ctx, {
    organizationId,
    type: 'webhookEndpoint.disabled',
    data: { webhookEndpointId: encodeId('WebhookEndpoint', id), reason },
  });
  await auditEndpoint(ctx, { endpoint, action: 'disabled', metadata: { reason } });
}

/** Tells owners and admins in the app; whoever caused it knows. */
export async function tellAdmins(
  ctx: Ctx,
  { id: webhookEndpointId, organizationId }: WebhookEndpoint,
  { type, reason }: { type: 'webhookEndpoint.failing' | 'webhookEndpoint.disabled'; reason: string },
): Promise<void> {
  const userIds = await adminIdsOf(ctx, organizationId);
  await notify(ctx, { userIds, type, organizationId, data: { webhookEndpointId, reason } });
}
