import type { Ctx } from '../../context.ts';
import { transact } from '../../platform/db.ts';
import { attempt, type HeldDelivery } from './sending.service.ts';
import { settle } from './settling.service.ts';

/** How much one process sends at once. A receiver that is slow holds two of these and no more. */
const underWayMax = 64;
const perEndpoint = 2;
/** Longer than an attempt with the writing down of what came of it; after this another process takes it up. */
const leaseMs = 25_000;

/**
 * Starts sending what is due, as far as this process has room, and returns before it has arrived. Each delivery that ends
 * looks for the next. May be called at any time, by every process.
 */
export async function deliverDue(ctx: Ctx): Promise<void> {
  const { courier } = ctx.platform;
  if (courier.look !== 'none') {
    courier.look = 'again';
    return;
  }
  try {
    do {
      courier.look = 'now';
      await startDue(ctx);
    } while (isAskedAgain(ctx));
  } finally {
    courier.look = 'none';
  }
}

function isAskedAgain({ platform }: Ctx): boolean {
  return platform.courier.look === 'again';
}

/** One delivery an endpoint each round, so that they take turns. */
async function startDue(ctx: Ctx): Promise<void> {
  const { courier } = ctx.platform;
  for (;;) {
    const room = underWayMax - courier.underWay.size;
    if (room <= 0 || courier.isClosed) return;
    const held = await claim(ctx, room);
    if (held.length === 0) return;
    for (const delivery of held) start(ctx, delivery);
  }
}

function start(ctx: Ctx, delivery: HeldDelivery): void {
  const { courier } = ctx.platform;
  const sending = send(ctx, delivery)
    // The lease ends and somebody tries again.
    .catch((error: unknown) => ctx.log.warn({ err: error, webhookDeliveryId: delivery.id }, 'a delivery was left open'))
    .finally(() => courier.underWay.delete(sending));
  courier.underWay.add(sending);
  void sending
    .then(() => deliverDue(ctx))
    .catch((error: unknown) => ctx.log.warn({ err: error }, 'no look for webhooks'));
}

async function send(ctx: Ctx, delivery: HeldDelivery): Promise<void> {
  const outcome = await attempt(ctx, delivery, ctx.platform.courier.haste.signal);
  if (outcome) await settle(ctx, delivery, outcome);
  else await giveBack(ctx, delivery);
}

/** As if the attempt had not begun; the receiver knows by the id if it did. */
async function giveBack(ctx: Ctx, { id, attemptCount }: HeldDelivery): Promise<void> {
  await ctx.db.webhookDelivery.updateMany({
    where: { id, status: 'SENDING', attemptCount },
    data: { status: 'PENDING', dueAt: ctx.now() },
  });
}

/**
 * Takes due deliveries, and those whose holder let the lease run out: one of each endpoint, at most two of one under way
 * anywhere. The endpoints are locked meanwhile, since two who count at once would both find room.
 */
async function claim(ctx: Ctx, room: number): Promise<HeldDelivery[]> {
  const endpointIds = await endpointsInTurn(ctx, room);
  if (endpointIds.length === 0) return [];
  const ids = await transact(ctx, async (ctx) => {
    const locked = await ctx.db.$queryRaw<{ id: string }[]>`
      SELECT id::text AS id FROM webhook_endpoints
      WHERE id = ANY (${endpointIds}::uuid[]) AND status = 'ENABLED' ORDER BY id FOR NO KEY UPDATE SKIP LOCKED`;
    return holdOneOfEach(
      ctx,
      locked.map(({ id }) => id),
    );
  });
  return ctx.db.webhookDelivery.findMany({ where: { id: { in: ids } }, include: { endpoint: true, event: true } });
}

/** Endpoints with something due and room for it; organizations take turns, by what they have under way. */
async function endpointsInTurn(ctx: Ctx, room: number): Promise<string[]> {
  const now = ctx.now();
  const rows = await ctx.db.$queryRaw<{ id: string }[]>`
    WITH waiting AS (
      SELECT e.id, e.organization_id, (
        SELECT count(*) FROM webhook_deliveries d
        WHERE d.endpoint_id = e.id AND d.status = 'SENDING' AND d.due_at > ${now}::timestamptz
      ) AS under_way
      FROM webhook_endpoints e
      WHERE e.status = 'ENABLED' AND (e.reverify_by IS NULL OR e.reverify_by > ${now}::timestamptz)
        AND EXISTS (SELECT FROM webhook_deliveries d WHERE d.endpoint_id = e.id AND d.due_at <= ${now}::timestamptz)
    ), turns AS (
      SELECT id, under_way, sum(under_way) OVER (PARTITION BY organization_id)
        + row_number() OVER (PARTITION BY organization_id ORDER BY under_way, random()) AS turn
      FROM waiting
    )
    SELECT id::text AS id FROM turns WHERE under_way < ${perEndpoint} ORDER BY turn, random() LIMIT ${room}`;
  return rows.map(({ id }) => id);
}

async function holdOneOfEach(ctx: Ctx, endpointIds: string[]): Promise<string[]> {
  const now = ctx.now();
  const leaseEndsAt = new Date(now.getTime() + leaseMs);
  const rows = await ctx.db.$queryRaw<{ id: string }[]>`
    WITH picked AS (
      SELECT due.id FROM unnest(${endpointIds}::uuid[]) AS endpoint(id)
      CROSS JOIN LATERAL (
        SELECT d.id FROM webhook_deliveries d
        WHERE d.endpoint_id = endpoint.id AND d.due_at <= ${now}::timestamptz
        ORDER BY d.due_at, d.id LIMIT 1 FOR UPDATE SKIP LOCKED
      ) due
      WHERE (
        SELECT count(*) FROM webhook_deliveries d
        WHERE d.endpoint_id = endpoint.id AND d.status = 'SENDING' AND d.due_at > ${now}::timestamptz
      ) < ${perEndpoint}
    )
    UPDATE webhook_deliveries SET status = 'SENDING', due_at = ${leaseEndsAt}::timestamptz, attempt_count = attempt_count + 1
    FROM picked WHERE webhook_deliveries.id = picked.id
    RETURNING webhook_deliveries.id::text AS id`;
  return rows.map(({ id }) => id);
}
