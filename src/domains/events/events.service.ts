import type { Ctx } from '../../context.ts';
import type { WebhookEvent } from '../../generated/prisma/client.ts';
import { enqueue } from '../../jobs/queue.ts';
import { newId } from '../../platform/typeid.ts';
import { type EventData, type EventType, eventCatalog, eventTypes } from './event-catalog.ts';

export interface NewEvent<Type extends EventType> {
  readonly organizationId: string;
  readonly type: Type;
  readonly data: EventData<Type>;
}

/** What endpoints can subscribe to. */
export function eventNames(): string[] {
  return [...eventTypes];
}

/**
 * Writes an event of an organization, and a delivery to each endpoint that wants it, in the transaction of the change that
 * caused it. What is fanned out here can neither be lost nor be told of a change that was rolled back.
 */
export async function recordEvent<Type extends EventType>(ctx: Ctx, event: NewEvent<Type>): Promise<void> {
  const written = await writeEvent(ctx, event);
  const endpointIds = await endpointsFor(ctx, written);
  if (endpointIds.length > 0) await createDeliveries(ctx, written, endpointIds);
}

/** Writes an event for one endpoint, whatever that subscribes to. @returns the delivery */
export async function recordEventFor<Type extends EventType>(
  ctx: Ctx,
  event: NewEvent<Type> & { readonly endpointId: string },
): Promise<{ deliveryId: string }> {
  const [deliveryId = ''] = await createDeliveries(ctx, await writeEvent(ctx, event), [event.endpointId]);
  return { deliveryId };
}

/** The payload is made into text once: these bytes are signed, sent and shown. */
async function writeEvent<Type extends EventType>(ctx: Ctx, event: NewEvent<Type>): Promise<WebhookEvent> {
  const { organizationId, type } = event;
  const createdAt = ctx.now();
  const data = eventCatalog[type].parse(event.data);
  const payload = JSON.stringify({ type, timestamp: createdAt.toISOString(), data });
  return ctx.db.webhookEvent.create({ data: { id: newId(), organizationId, type, payload, createdAt } });
}

/** Paused endpoints are kept what they miss. The lock keeps an endpoint from going before its delivery is written. */
async function endpointsFor(ctx: Ctx, { organizationId, type }: WebhookEvent): Promise<string[]> {
  const rows = await ctx.db.$queryRaw<{ id: string }[]>`
    SELECT id::text AS id FROM webhook_endpoints
    WHERE organization_id = ${organizationId}::uuid AND ${type} = ANY (event_types)
      AND status <> 'DISABLED' AND receives_since IS NOT NULL
    ORDER BY id FOR KEY SHARE`;
  return rows.map(({ id }) => id);
}

async function createDeliveries(ctx: Ctx, event: WebhookEvent, endpointIds: string[]): Promise<string[]> {
  const { id: eventId, organizationId, createdAt } = event;
  const rows = endpointIds.map((endpointId) => {
    return {
      id: newId(),
      organizationId,
      eventId,
      endpointId,
      status: 'PENDING',
      dueAt: createdAt,
      createdAt,
    } as const;
  });
  await ctx.db.webhookDelivery.createMany({ data: rows });
  await enqueue(ctx, 'webhook.deliver', {});
  return rows.map(({ id }) => id);
}
