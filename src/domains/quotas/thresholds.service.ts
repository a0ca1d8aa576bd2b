import type { Ctx } from '../../context.ts';
import type { CallCounter } from '../../generated/prisma/client.ts';
import { recordEvent } from '../events/events.service.ts';
import { adminIdsOf } from '../members/members.access.ts';
import { notify } from '../notifications/notify.service.ts';

const thresholds = [80, 100];

/**
 * Tells owners, admins and receivers of events that 80, or 100, percent of the calls are used: each once in a period, of two
 * at once the higher. Joins the transaction that has written, and so locked, the counter.
 */
export async function tellOfThresholds(ctx: Ctx, counter: CallCounter, limit: number): Promise<void> {
  const { organizationId, periodStart, notifiedPercent } = counter;
  const used = Number(counter.used);
  const percent = thresholds.findLast((threshold) => used * 100 >= limit * threshold) ?? 0;
  if (percent <= notifiedPercent) return;
  await ctx.db.callCounter.updateMany({
    where: { organizationId, periodStart },
    data: { notifiedPercent: percent },
  });
  const data = { resource: 'API_CALLS', percent, used, limit } as const;
  await notify(ctx, { userIds: await adminIdsOf(ctx, organizationId), type: 'quota.threshold', organizationId, data });
  await recordEvent(ctx, { organizationId, type: 'quota.threshold', data });
}
