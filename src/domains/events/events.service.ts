import type { Ctx } from '../../context.ts';
import { newId } from '../../platform/typeid.ts';
import { type EventData, type EventType, eventCatalog } from './event-catalog.ts';

/** Writes an event of an organization for its webhook receivers, in the transaction of the change that caused it. */
export async function recordEvent<Type extends EventType>(
  ctx: Ctx,
  event: { readonly organizationId: string; readonly type: Type; readonly data: EventData<Type> },
): Promise<void> {
  const { organizationId, type } = event;
  const createdAt = ctx.now();
  const data = eventCatalog[type].parse(event.data);
  const payload = JSON.stringify({ type, timestamp: createdAt.toISOString(), data });
  await ctx.db.webhookEvent.create({ data: { id: newId(), organizationId, type, payload, createdAt } });
}
