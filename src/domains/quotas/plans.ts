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

/** How many webhook endpoints an organization may have, by plan. */
const webhookEndpoints: Readonly<Record<string, number>> = { free: 5, team: 20, business: 100 };

/** How many webhook endpoints a plan has; those of the free one for a plan that says nothing of it. */
export function webhookEndpointsOf({ id }: Plan): number {
  return webhookEndpoints[id] ?? webhookEndpoints[freePlan.id] ?? 0;
}

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

/**
 * The period that calls are counted in: the subscription's while its plan is in force, else the calendar month in UTC. Where
 * the next period has begun and Stripe has not told of it yet, it is taken to last a month.
 */
export function periodAt(
  now: Date,
  subscription: (SubscriptionState & { currentPeriodStart: Date | null; currentPeriodEnd: Date | null }) | null,
): Period {
  const { currentPeriodStart: start, currentPeriodEnd: end } = subscription ?? {};
  if (start && end && start <= now && planInForce(subscription, now) !== freePlan)
    return periodFrom({ start, end }, now);
  const [year, month] = [now.getUTCFullYear(), now.getUTCMonth()];
  return { start: new Date(Date.UTC(year, month, 1)), end: new Date(Date.UTC(year, month + 1, 1)) };
}

function periodFrom(period: Period, now: Date): Period {
  let { start, end } = period;
  while (end <= now) [start, end] = [end, monthAfter(end)];
  return { start, end };
}

/** The same day of the next month, or its last one. */
function monthAfter(instant: Date): Date {
  const next = new Date(instant);
  next.setUTCMonth(instant.getUTCMonth() + 1);
  if (next.getUTCDate() !== instant.getUTCDate()) next.setUTCDate(0);
  return next;
}
