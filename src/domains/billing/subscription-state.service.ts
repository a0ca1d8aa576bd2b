import type Stripe from 'stripe';

/** How a subscription stands, in our words. */
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

/** What of Stripe's subscription concerns us. */
export interface FetchedSubscription {
  readonly subscriptionId: string;
  /** Of its first price that is one of ours; null when none is. */
  readonly planId: string | null;
  readonly status: SubscriptionStatus;
  readonly currentPeriodStart: Date | null;
  readonly currentPeriodEnd: Date | null;
  readonly cancelAtPeriodEnd: boolean;
}

const statuses: Readonly<Record<Stripe.Subscription.Status, SubscriptionStatus>> = {
  trialing: 'TRIALING',
  active: 'ACTIVE',
  past_due: 'PAST_DUE',
  unpaid: 'UNPAID',
  paused: 'PAUSED',
  canceled: 'CANCELED',
  incomplete: 'INCOMPLETE',
  incomplete_expired: 'CANCELED',
};

/** Of several subscriptions of a customer the earlier in this list counts, among equals the younger. */
const precedence: readonly SubscriptionStatus[] = [
  'ACTIVE',
  'TRIALING',
  'PAST_DUE',
  'UNPAID',
  'PAUSED',
  'INCOMPLETE',
  'CANCELED',
];

/** Whether there is a subscription that can still be paid, changed or ended. */
export function isLive(status: string): boolean {
  return status !== 'NONE' && status !== 'CANCELED';
}

/** The one subscription that counts; null where there has never been one. @throws Error for a status that we do not know */
export function subscriptionThatCounts(
  subscriptions: readonly Stripe.Subscription[],
  prices: ReadonlyMap<string, string>,
): FetchedSubscription | null {
  const rankOf = (subscription: Stripe.Subscription) => precedence.indexOf(statusOf(subscription));
  const [first] = [...subscriptions].sort((a, b) => rankOf(a) - rankOf(b) || b.created - a.created);
  return first ? described(first, prices) : null;
}

function described(subscription: Stripe.Subscription, prices: ReadonlyMap<string, string>): FetchedSubscription {
  const plans = new Map([...prices].map(([planId, priceId]) => [priceId, planId]));
  const items = subscription.items.data;
  const item = items.find(({ price }) => plans.has(price.id)) ?? items[0];
  return {
    subscriptionId: subscription.id,
    planId: (item && plans.get(item.price.id)) ?? null,
    status: statusOf(subscription),
    currentPeriodStart: instant(item?.current_period_start),
    currentPeriodEnd: instant(item?.current_period_end),
    cancelAtPeriodEnd: subscription.cancel_at_period_end || subscription.cancel_at !== null,
  };
}

function statusOf({ status }: Stripe.Subscription): SubscriptionStatus {
  const ours = statuses[status] as SubscriptionStatus | undefined;
  if (!ours) throw new Error('Stripe has a status of subscriptions that we do not know');
  return ours;
}

function instant(seconds: number | undefined): Date | null {
  return seconds === undefined ? null : new Date(seconds * 1000);
}
