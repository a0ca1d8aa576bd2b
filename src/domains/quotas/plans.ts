import type { QuotaResource } from '../../errors.ts';

export interface Plan {
  readonly id: string;
  readonly name: string;
  readonly monthlyPriceCents: number;
  readonly currency: string;
  readonly limits: Readonly<Record<QuotaResource, number>>;
}

const gibibyte = 1024 ** 3;

/** Who pays nothing. */
export const freePlan: Plan = {
  id: 'free',
  name: 'Free',
  monthlyPriceCents: 0,
  currency: 'usd',
  limits: { API_CALLS: 10_000, STORAGE_BYTES: gibibyte, MEMBERS: 25 },
};

/** Every plan there is, cheapest first. The only place that knows their limits and prices. */
export const plans: readonly Plan[] = [
  freePlan,
  {
    id: 'team',
    name: 'Team',
    monthlyPriceCents: 2_900,
    currency: 'usd',
    limits: { API_CALLS: 1_000_000, STORAGE_BYTES: 100 * gibibyte, MEMBERS: 50 },
  },
  {
    id: 'business',
    name: 'Business',
    monthlyPriceCents: 19_900,
    currency: 'usd',
    limits: { API_CALLS: 10_000_000, STORAGE_BYTES: 1024 * gibibyte, MEMBERS: 1_000 },
  },
];

/** A plan by its id; the free one for an id that is no plan's. */
export function planById(id: string): Plan {
  return plans.find((plan) => plan.id === id) ?? freePlan;
}

const graceDays = 14;

/** What of a subscription decides which plan holds. */
export interface SubscriptionState {
  readonly planId: string;
  readonly status: string;
  readonly pastDueSince: Date | null;
}

/** The plan whose limits hold now: that of a subscription which is paid, on trial, or less than 14 days past due. */
export function planInForce(subscription: SubscriptionState | null, now: Date): Plan {
  if (!subscription) return freePlan;
  const { planId, status, pastDueSince } = subscription;
  if (status === 'ACTIVE' || status === 'TRIALING') return planById(planId);
  const graceEnds = (pastDueSince?.getTime() ?? 0) + graceDays * 86_400_000;
  return status === 'PAST_DUE' && now.getTime() < graceEnds ? planById(planId) : freePlan;
}

export interface Period {
  readonly start: Date;
  readonly end: Date;
}

/** The period that calls are counted in: the subscription's while it lasts, else the calendar month in UTC. */
export function periodAt(
  now: Date,
  subscription: { currentPeriodStart: Date | null; currentPeriodEnd: Date | null } | null,
): Period {
  const { currentPeriodStart: start, currentPeriodEnd: end } = subscription ?? {};
  if (start && end && start <= now && now < end) return { start, end };
  const [year, month] = [now.getUTCFullYear(), now.getUTCMonth()];
  return { start: new Date(Date.UTC(year, month, 1)), end: new Date(Date.UTC(year, month + 1, 1)) };
}
