import type { Ctx } from '../../context.ts';
import type { BillingAccount } from '../../generated/prisma/client.ts';
import { transact } from '../../platform/db.ts';
import { isMissingAtStripe } from '../../platform/stripe.ts';
import { recordAudit } from '../audit/audit.service.ts';
import { recordEvent } from '../events/events.service.ts';
import { adminIdsOf } from '../members/members.access.ts';
import { notify } from '../notifications/notify.service.ts';
import { holdOrganization } from '../organizations/organization-lock.ts';
import { forgetLease } from '../quotas/call-leases.service.ts';
import { freePlan, planInForce, plans } from '../quotas/plans.ts';
import { callStripe, requireStripe } from './stripe-calls.service.ts';
import {
  type FetchedSubscription,
  type SubscriptionStatus,
  subscriptionThatCounts,
} from './subscription-state.service.ts';

const attemptsMax = 5;

/**
 * Writes down how an organization's subscription stands at Stripe now (D13). It never looks at an event, so neither order nor
 * number of events matters. A fetch that another one has overtaken is thrown away and made again: what is written was fetched
 * after every change that anybody has told us of.
 * @throws Error for a price that is no plan's, or a status that we do not know: then everything stays as it was
 */
export async function syncSubscription(ctx: Ctx, { organizationId }: { organizationId: string }): Promise<void> {
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const account = await beginFetch(ctx, organizationId);
    if (!account) return;
    const fetched = await fetchSubscription(ctx, account);
    if (!(await writeSubscription(ctx, account, fetched))) continue;
    return forgetLease(ctx, organizationId);
  }
  throw new Error('the subscription is being fetched by others all the time');
}

/** Takes the next number, which makes every fetch before it worthless. Null without an account. */
async function beginFetch(ctx: Ctx, organizationId: string): Promise<BillingAccount | null> {
  const [account] = await ctx.db.billingAccount.updateManyAndReturn({
    where: { organizationId },
    data: { fetchNumber: { increment: 1 } },
  });
  return account ?? null;
}

/** `missing`: Stripe has deleted the customer. */
async function fetchSubscription(
  ctx: Ctx,
  { customerId }: BillingAccount,
): Promise<FetchedSubscription | null | 'missing'> {
  const { prices } = requireStripe(ctx);
  try {
    const { data } = await callStripe(ctx, 'subscriptions.list', (stripe) =>
      stripe.subscriptions.list({ customer: customerId, status: 'all', limit: 100 }),
    );
    return subscriptionThatCounts(data, prices);
  } catch (error) {
    if (isMissingAtStripe(error)) return 'missing';
    throw error;
  }
}

type State = Omit<BillingAccount, 'organizationId' | 'customerId' | 'fetchNumber' | 'status'> & {
  readonly status: SubscriptionStatus;
};

/** @returns false when another fetch has begun since */
async function writeSubscription(
  ctx: Ctx,
  account: BillingAccount,
  fetched: FetchedSubscription | null | 'missing',
): Promise<boolean> {
  const after = stateAfter(account, fetched, ctx.now());
  return transact(ctx, async (ctx) => {
    const { organizationId, fetchNumber } = account;
    if (!(await holdOrganization(ctx, organizationId))) return true;
    const own = { where: { organizationId, fetchNumber } };
    const { count } =
      fetched === 'missing'
        ? await ctx.db.billingAccount.deleteMany(own)
        : await ctx.db.billingAccount.updateMany({ ...own, data: after });
    if (count === 0) return false;
    if (planInForce(after, ctx.now()) !== freePlan) await ctx.db.openCheckout.deleteMany({ where: { organizationId } });
    if (fetched === 'missing' || isDifferent(account, after)) await tell(ctx, account, after);
    return true;
  });
}

function stateAfter(before: BillingAccount, fetched: FetchedSubscription | null | 'missing', now: Date): State {
  if (!fetched || fetched === 'missing') {
    const nothing = { subscriptionId: null, currentPeriodStart: null, currentPeriodEnd: null, pastDueSince: null };
    return { ...nothing, planId: freePlan.id, status: 'NONE', cancelAtPeriodEnd: false };
  }
  const pastDueSince = fetched.status === 'PAST_DUE' ? (before.pastDueSince ?? now) : null;
  return { ...fetched, planId: planAfter(before, fetched), pastDueSince };
}

/** An unknown price must not make a paying customer's plan the free one in silence. */
function planAfter(before: BillingAccount, { planId, status }: FetchedSubscription): string {
  if (planId !== null && plans.some(({ id }) => id === planId)) return planId;
  if (status === 'CANCELED') return before.planId;
  throw new Error('a subscription has a price that STRIPE_PRICES does not name, or that of no plan');
}

function isDifferent(before: BillingAccount, after: State): boolean {
  const keys = Object.keys(after) as (keyof State)[];
  return keys.some((key) => comparable(before[key]) !== comparable(after[key]));
}

function comparable(value: State[keyof State]) {
  return value instanceof Date ? value.getTime() : value;
}

async function tell(ctx: Ctx, before: BillingAccount, after: State): Promise<void> {
  const { organizationId } = before;
  const { planId, status, cancelAtPeriodEnd } = after;
  const currentPeriodEnd = after.currentPeriodEnd?.toISOString() ?? null;
  if (status === 'PAST_DUE' && before.status !== 'PAST_DUE') {
    const userIds = await adminIdsOf(ctx, organizationId);
    await notify(ctx, { userIds, type: 'billing.pastDue', organizationId, data: { planId } });
  }
  await recordEvent(ctx, {
    organizationId,
    type: 'subscription.updated',
    data: { planId, status, currentPeriodEnd, cancelAtPeriodEnd },
  });
  await recordAudit(ctx, {
    organizationId,
    action: 'subscription.updated',
    targetType: 'Organization',
    targetId: organizationId,
    metadata: {
      planBefore: before.planId,
      planAfter: planId,
      statusBefore: before.status,
      statusAfter: status,
      currentPeriodEnd,
      cancelAtPeriodEnd,
    },
  });
}
