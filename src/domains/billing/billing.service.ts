import type { Ctx } from '../../context.ts';
import { type Plan, planById, planInForce, plans } from '../quotas/plans.ts';
import { type SubscriptionStatus, subscriptionStatuses } from './subscription-state.service.ts';

/** The plan whose limits hold and how its subscription stands. */
export interface Billing {
  readonly plan: Plan;
  readonly status: SubscriptionStatus;
  readonly currentPeriodEnd: Date | null;
  readonly cancelAtPeriodEnd: boolean;
}

/** What there is to choose from, cheapest first. */
export function plansOnOffer(): Plan[] {
  return [...plans];
}

/** How an organization pays; NONE and the free plan for one that never did. */
export async function billingOf(ctx: Ctx, organizationId: string): Promise<Billing> {
  const account = await ctx.db.billingAccount.findUnique({ where: { organizationId } });
  if (!account) return { plan: planById('free'), status: 'NONE', currentPeriodEnd: null, cancelAtPeriodEnd: false };
  const { currentPeriodEnd, cancelAtPeriodEnd } = account;
  const status = subscriptionStatuses.find((known) => known === account.status) ?? 'NONE';
  return { plan: planInForce(account, ctx.now()), status, currentPeriodEnd, cancelAtPeriodEnd };
}
