import type Stripe from 'stripe';
import type { Ctx } from '../../context.ts';
import { enqueue } from '../../jobs/queue.ts';
import { transact } from '../../platform/db.ts';
import { decodeId } from '../../platform/typeid.ts';
import { linkCustomer } from './customers.service.ts';
import { syncSubscription } from './subscription-sync.service.ts';

/** All of them say no more than that something about a customer has changed; what it is now is fetched. */
const actedOn: ReadonlySet<string> = new Set([
  'checkout.session.completed',
  'customer.subscription.created',
  'customer.subscription.updated',
  'customer.subscription.deleted',
  'customer.subscription.paused',
  'customer.subscription.resumed',
  'customer.subscription.trial_will_end',
  'customer.subscription.pending_update_applied',
  'customer.subscription.pending_update_expired',
  'customer.deleted',
  'invoice.paid',
  'invoice.payment_failed',
  'invoice.payment_action_required',
]);

/**
 * Keeps an event and its job together, or throws, so that Stripe sends it again. A copy of one that is handled does nothing
 * (F01); a copy of one that is not has a job of its own, since the first may have failed for good.
 */
export async function keepStripeEvent(ctx: Ctx, event: Stripe.Event): Promise<void> {
  const { id, type } = event;
  await transact(ctx, async (ctx) => {
    const now = ctx.now();
    const processedAt = actedOn.has(type) ? null : now;
    await ctx.db.stripeEvent.createMany({
      data: [{ id, type, ...subjectOf(event), receivedAt: now, processedAt }],
      skipDuplicates: true,
    });
    const kept = await ctx.db.stripeEvent.findUniqueOrThrow({ where: { id } });
    if (kept.processedAt === null) await enqueue(ctx, 'billing.handleStripeEvent', { eventId: id });
  });
}

/** Does what an event asks for; at once for one that is done. A customer that is nobody's here is none of our business. */
export async function handleStripeEvent(ctx: Ctx, { eventId }: { eventId: string }): Promise<void> {
  const event = await ctx.db.stripeEvent.findUnique({ where: { id: eventId } });
  if (!event || event.processedAt) return;
  const { customerId, organizationId } = event;
  if (customerId && organizationId) await linkCustomer(ctx, { organizationId, customerId });
  const account = customerId && (await ctx.db.billingAccount.findUnique({ where: { customerId } }));
  if (account) await syncSubscription(ctx, account);
  await ctx.db.stripeEvent.updateMany({ where: { id: eventId }, data: { processedAt: ctx.now() } });
}

interface Subject {
  readonly object?: unknown;
  readonly id?: unknown;
  readonly customer?: unknown;
  readonly client_reference_id?: unknown;
  readonly metadata?: { readonly organizationId?: unknown } | null;
}

/** Whom an event is about. What Stripe calls metadata and reference is what our checkout gave it. */
function subjectOf({ data }: Stripe.Event): { customerId: string | null; organizationId: string | null } {
  // Events of other kinds have none.
  const subject = ((data as { object?: unknown } | undefined)?.object ?? {}) as Subject;
  const customer = subject.object === 'customer' ? subject.id : subject.customer;
  const reference = subject.client_reference_id ?? subject.metadata?.organizationId;
  return {
    customerId: textOf(customer) ?? textOf((customer as { id?: unknown } | null | undefined)?.id),
    organizationId: decodeId('Organization', textOf(reference) ?? ''),
  };
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
