import type { Ctx } from '../../context.ts';
import { enqueue } from '../../jobs/queue.ts';
import { isMissingAtStripe } from '../../platform/stripe.ts';
import { callStripe } from './stripe-calls.service.ts';

/** Has what an organization pays for end with it. In the transaction that deletes the organization, before it is gone. */
export async function endBilling(ctx: Ctx, { organizationId }: { organizationId: string }): Promise<void> {
  const account = await ctx.db.billingAccount.findUnique({ where: { organizationId } });
  if (account) await enqueue(ctx, 'billing.endCustomer', { customerId: account.customerId });
}

/** Expires the open checkouts of a customer, so that nobody begins to pay any more, and cancels the subscriptions. */
export async function endCustomer(ctx: Ctx, { customerId }: { customerId: string }): Promise<void> {
  try {
    const customer = { customer: customerId, limit: 100 };
    const open = await callStripe(ctx, 'checkout.sessions.list', (stripe) =>
      stripe.checkout.sessions.list({ ...customer, status: 'open' }),
    );
    for (const { id } of open.data)
      await callStripe(ctx, 'checkout.sessions.expire', (stripe) => stripe.checkout.sessions.expire(id));
    // Without a status these are all that are not canceled.
    const subscriptions = await callStripe(ctx, 'subscriptions.list', (stripe) => stripe.subscriptions.list(customer));
    for (const { id } of subscriptions.data)
      await callStripe(ctx, 'subscriptions.cancel', (stripe) => stripe.subscriptions.cancel(id));
  } catch (error) {
    // A customer that Stripe does not have pays nothing.
    if (!isMissingAtStripe(error)) throw error;
  }
}
