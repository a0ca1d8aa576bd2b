import type { Ctx } from '../../context.ts';
import { type Plan, planById, planInForce, plans } from '../quotas/plans.ts';

export const subscriptionStatuses = [
  'NONE',
  'TRIALING',
  'ACTIVE',
  'PAST_DUE',
  'UNPAID',
  'PAUSED',
  'CANCELED',
  'INCOMPLETE',
] as const;

export type SubscriptionStatus = (typeof subscriptionStatuses)[number];

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
