import type { Ctx } from '../../context.ts';
import { adminIdsOf } from '../members/members.access.ts';
import { notify } from '../notifications/notify.service.ts';

const thresholds = [80, 100];

/** Tells owners and admins that 80, or 100, percent of the calls are used: each once in a period, of two at once the higher. */
export async function tellOfThresholds(
  ctx: Ctx,
  { organizationId, periodStart, limit }: { organizationId: string; periodStart: Date; limit: number },
): Promise<void> {
  const key = { organizationId, periodStart };
  const counter = await ctx.db.callCounter.findUnique({ where: { organizationId_periodStart: key } });
  const used = Number(counter?.used ?? 0);
  const percent = thresholds.findLast((threshold) => used * 100 >= limit * threshold);
  if (percent === undefined) return;
  const { count } = await ctx.db.callCounter.updateMany({
    where: { ...key, notifiedPercent: { lt: percent } },
    data: { notifiedPercent: percent },
  });
  if (count === 0) return;
  await notify(ctx, {
    userIds: await adminIdsOf(ctx, organizationId),
    type: 'quota.threshold',
    organizationId,
    data: { resource: 'API_CALLS', percent, used, limit },
  });
}
