import type { Ctx } from '../../context.ts';
import { enqueue } from '../../jobs/queue.ts';

const pageSize = 200;
/** Longer than Stripe sends an event again. */
const keptEventDays = 90;

/** Has every account fetched anew, so that what events did not tell is repaired within a day; forgets old events. */
export async function reconcileBilling(ctx: Ctx): Promise<void> {
  if (!ctx.platform.stripe) return;
  for (let after: string | null = ''; after !== null; ) after = await enqueuePage(ctx, after);
  const old = new Date(ctx.now().getTime() - keptEventDays * 86_400_000);
  await ctx.db.stripeEvent.deleteMany({ where: { receivedAt: { lt: old } } });
}

/** @returns the last customer of the page; null after the last page */
async function enqueuePage(ctx: Ctx, after: string): Promise<string | null> {
  const accounts = await ctx.db.billingAccount.findMany({
    where: { customerId: { gt: after } },
    orderBy: { customerId: 'asc' },
    take: pageSize,
    select: { organizationId: true, customerId: true },
  });
  for (const { organizationId } of accounts) await enqueue(ctx, 'billing.syncSubscription', { organizationId });
  return accounts.length < pageSize ? null : (accounts.at(-1)?.customerId ?? null);
}
