import type { Ctx } from '../../context.ts';
import type { WebhookEndpoint } from '../../generated/prisma/client.ts';
import { transact } from '../../platform/db.ts';
import { holdEndpoint } from './endpoint-access.service.ts';
import { disable, tellAdmins } from './endpoint-state.service.ts';
import { retryWaitMs } from './retry-schedule.ts';
import type { HeldDelivery, Outcome } from './sending.service.ts';

const dayMs = 86_400_000;
/** So long an endpoint may do nothing but fail; at half of it people are warned. */
const failingMaxMs = 5 * dayMs;
const goneStatus = 410;

/** Writes down what came of an attempt and what follows from it. Nothing, if another one holds the delivery by now. */
export async function settle(ctx: Ctx, delivery: HeldDelivery, outcome: Outcome): Promise<void> {
  await transact(ctx, async (ctx) => {
    if (outcome.failure) await settleFailure(ctx, delivery, outcome);
    else await settleSuccess(ctx, delivery, outcome);
  });
}

async function settleSuccess(ctx: Ctx, delivery: HeldDelivery, outcome: Outcome): Promise<void> {
  await ctx.db.webhookEndpoint.updateMany({
    where: { id: delivery.endpointId, failingSince: { not: null } },
    data: { failingSince: null, warnedAt: null },
  });
  await write(ctx, delivery, { outcome, next: { status: 'SUCCEEDED', dueAt: null } });
}

async function settleFailure(ctx: Ctx, delivery: HeldDelivery, outcome: Outcome): Promise<void> {
  const endpoint = await holdEndpoint(ctx, delivery.endpointId);
  if (!endpoint) return;
  const isOurs = await write(ctx, delivery, { outcome, next: nextOf(ctx, { delivery, endpoint, outcome }) });
  if (isOurs && endpoint.status !== 'DISABLED') await judge(ctx, endpoint, outcome);
}

interface Next {
  readonly status: 'PENDING' | 'SUCCEEDED' | 'FAILED' | 'CANCELED';
  readonly dueAt: Date | null;
  readonly retriesUsed?: number;
}

function nextOf(
  ctx: Ctx,
  { delivery, endpoint, outcome }: { delivery: HeldDelivery; endpoint: WebhookEndpoint; outcome: Outcome },
): Next {
  if (endpoint.status === 'DISABLED') return { status: 'CANCELED', dueAt: null };
  if (outcome.statusCode === goneStatus || outcome.failure === 'DESTINATION_NOT_ALLOWED')
    return { status: 'FAILED', dueAt: null };
  const { retriesUsed } = delivery;
  const now = ctx.now();
  const schedule = ctx.platform.config.webhooks.retrySeconds;
  const waitMs = retryWaitMs({ retriesUsed, schedule, retryAfter: outcome.retryAfter, now });
  if (waitMs === null) return { status: 'FAILED', dueAt: null };
  return { status: 'PENDING', dueAt: new Date(now.getTime() + waitMs), retriesUsed: retriesUsed + 1 };
}

/** @returns whether this process still held the delivery */
async function write(ctx: Ctx, delivery: HeldDelivery, { outcome, next }: { outcome: Outcome; next: Next }) {
  const { id: deliveryId, attemptCount: number, isManual } = delivery;
  const { count } = await ctx.db.webhookDelivery.updateMany({
    where: { id: deliveryId, status: 'SENDING', attemptCount: number },
    data: { ...next, isManual: false },
  });
  if (count === 0) return false;
  const { at, durationMs, statusCode, failure: error, snippet: responseSnippet } = outcome;
  const attempt = { deliveryId, number, at, durationMs, statusCode, error, responseSnippet, isManual };
  await ctx.db.webhookAttempt.create({ data: attempt });
  return true;
}

/** What a failure means for the endpoint: gone for good, warned of, or switched off after five days of nothing else. */
async function judge(ctx: Ctx, endpoint: WebhookEndpoint, outcome: Outcome): Promise<void> {
  const { id, failingSince, warnedAt } = endpoint;
  if (outcome.statusCode === goneStatus) return disable(ctx, endpoint, 'gone');
  const now = ctx.now();
  if (!failingSince) {
    await ctx.db.webhookEndpoint.update({ where: { id }, data: { failingSince: outcome.at } });
    return;
  }
  const failingMs = now.getTime() - failingSince.getTime();
  if (failingMs >= failingMaxMs) return disable(ctx, endpoint, 'failing');
  if (warnedAt || failingMs < failingMaxMs / 2) return;
  await ctx.db.webhookEndpoint.update({ where: { id }, data: { warnedAt: now } });
  await tellAdmins(ctx, endpoint, { type: 'webhookEndpoint.failing', reason: 'failing' });
}
