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

/**
 * Writes down how an organization's subscription stands at Stripe now (D13). It never looks at an event, so neither order nor
 * number of events matters. Fetches are numbered as they begin, and one with a lower number than what is written is thrown
 * away: the other began later, so it saw at least what this one was told of.
 * @throws Error for a price that is no plan's, or a status that we do not know: then everything stays as it was
 */
export async function syncSubscription(ctx: Ctx, { organizationId }: { organizationId: string }): Promise<void> {
  const begun = await beginFetch(ctx, organizationId);
  if (!begun) return;
  const fetched = await fetchSubscription(ctx, begun);
  await writeSubscription(ctx, begun, fetched);
  await forgetLease(ctx, organizationId);
}

/** Null without an account. */
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

type State = Pick<
  BillingAccount,
  'subscriptionId' | 'planId' | 'currentPeriodStart' | 'currentPeriodEnd' | 'cancelAtPeriodEnd' | 'pastDueSince'
> & { readonly status: SubscriptionStatus };

async function writeSubscription(
  ctx: Ctx,
  { organizationId, customerId, fetchNumber }: BillingAccount,
  fetched: FetchedSubscription | null | 'missing',
): Promise<void> {
  await transact(ctx, async (ctx) => {
    await holdOrganization(ctx, organizationId);
    const where = { organizationId, customerId, writtenFetch: { lt: fetchNumber } };
    const before = await ctx.db.billingAccount.findFirst({ where });
    if (!before) return;
    const after = stateAfter(before, fetched, ctx.now());
    if (fetched === 'missing') await ctx.db.billingAccount.deleteMany({ where });
    else await ctx.db.billingAccount.updateMany({ where, data: { ...after, writtenFetch: fetchNumber } });
    if (planInForce(after, ctx.now()) !== freePlan) await ctx.db.openCheckout.deleteMany({ where: { organizationId } });
    if (fetched === 'missing' || isDifferent(before, after)) await tell(ctx, before, after);
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
