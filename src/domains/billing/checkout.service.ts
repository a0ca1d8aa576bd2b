import { randomUUID } from 'node:crypto';
import type { Ctx } from '../../context.ts';
import { BadUserInput, Conflict, NotFound } from '../../errors.ts';
import type { OpenCheckout } from '../../generated/prisma/client.ts';
import { transact } from '../../platform/db.ts';
import { encodeId } from '../../platform/typeid.ts';
import { recordAudit } from '../audit/audit.service.ts';
import { lockOrganization } from '../organizations/organization-lock.ts';
import { linkCustomer } from './customers.service.ts';
import { parseReturnUrl } from './return-url.ts';
import { askStripe, requireStripe } from './stripe-calls.service.ts';
import { isLive } from './subscription-state.service.ts';

/** A session at Stripe lives a day; ours is over before it, so that nobody is sent to one that is gone. */
const checkoutHours = 23;

export interface CheckoutInput {
  readonly organizationId: string;
  readonly planId: string;
  readonly successUrl: string;
  readonly cancelUrl: string;
}

/**
 * Opens a page of Stripe on which to pay for a plan. The same call gives the same page while it is open; another one closes the
 * first, so that nobody pays twice.
 * @throws Forbidden without Stripe; BadUserInput for an unknown plan or a page that is not the app's; Conflict when there is
 * a subscription already; ServiceUnavailable
 */
export async function createCheckoutSession(ctx: Ctx, input: CheckoutInput): Promise<{ url: string }> {
  const price = priceOf(ctx, input.planId);
  const wanted = { ...input, successUrl: onApp(ctx, input.successUrl), cancelUrl: onApp(ctx, input.cancelUrl) };
  const closedRequestId = await closeOther(ctx, wanted);
  const checkout = await openCheckout(ctx, wanted, closedRequestId);
  const customerId = await customerOf(ctx, checkout);
  const organizationId = encodeId('Organization', checkout.organizationId);
  const session = await askStripe(ctx, 'checkout.sessions.create', (stripe) =>
    stripe.checkout.sessions.create(
      {
        mode: 'subscription',
        customer: customerId,
        client_reference_id: organizationId,
        metadata: { organizationId },
        subscription_data: { metadata: { organizationId } },
        line_items: [{ price, quantity: 1 }],
        success_url: checkout.successUrl,
        cancel_url: checkout.cancelUrl,
      },
      { idempotencyKey: `checkout/${organizationId}/${checkout.requestId}` },
    ),
  );
  await keepSession(ctx, checkout, session.id);
  if (!session.url) throw new Conflict('This checkout is over. Look at the subscription again.');
  return { url: session.url };
}

/**
 * Opens Stripe's page on which to change or end the subscription, the card and the invoices.
 * @throws Forbidden without Stripe; Conflict for an organization that never began to pay; ServiceUnavailable
 */
export async function createBillingPortalSession(
  ctx: Ctx,
  { organizationId }: { organizationId: string },
): Promise<{ url: string }> {
  requireStripe(ctx);
  const account = await ctx.db.billingAccount.findUnique({ where: { organizationId } });
  if (!account) throw new Conflict('There is nothing to manage yet. Choose a plan first.');
  const session = await askStripe(ctx, 'billingPortal.sessions.create', (stripe) =>
    stripe.billingPortal.sessions.create(
      { customer: account.customerId, return_url: ctx.platform.config.publicAppUrl },
      { idempotencyKey: `portal/${encodeId('Organization', organizationId)}/${randomUUID()}` },
    ),
  );
  return { url: session.url };
}

function priceOf(ctx: Ctx, planId: string): string {
  const price = requireStripe(ctx).prices.get(planId);
  if (!price) throw new BadUserInput('`planId` must name a plan that can be bought here.');
  return price;
}

function onApp(ctx: Ctx, value: string): string {
  const url = parseReturnUrl(ctx.platform.config.publicAppUrl, value);
  if (url === null) throw new BadUserInput('`successUrl` and `cancelUrl` must be pages of the app.');
  return url;
}

/** Closes the page of an open checkout that is for something else. @returns which one that was */
async function closeOther(ctx: Ctx, wanted: CheckoutInput): Promise<string | null> {
  const open = await ctx.db.openCheckout.findUnique({ where: { organizationId: wanted.organizationId } });
  if (!open || isSame(ctx, open, wanted)) return null;
  if (open.sessionId) await expire(ctx, open.sessionId);
  return open.requestId;
}

/** The one checkout of the organization: the open one if it is for the same, else a new one in place of what was closed. */
async function openCheckout(ctx: Ctx, wanted: CheckoutInput, closedRequestId: string | null): Promise<OpenCheckout> {
  const { organizationId, planId, successUrl, cancelUrl } = wanted;
  return transact(ctx, async (ctx) => {
    await lockOrganization(ctx, organizationId);
    const account = await ctx.db.billingAccount.findUnique({ where: { organizationId } });
    if (account && isLive(account.status))
      throw new Conflict('There is a subscription already. Change it on the billing page.', 'planId');
    const open = await ctx.db.openCheckout.findUnique({ where: { organizationId } });
    if (open && isSame(ctx, open, wanted)) return open;
    if (open && open.requestId !== closedRequestId) throw overtaken();
    const expiresAt = new Date(ctx.now().getTime() + checkoutHours * 3_600_000);
    const fresh = { planId, successUrl, cancelUrl, requestId: randomUUID(), sessionId: null, expiresAt };
    const where = { organizationId };
    const checkout = await ctx.db.openCheckout.upsert({ where, create: { ...where, ...fresh }, update: fresh });
    await recordAudit(ctx, {
      organizationId,
      action: 'checkout.opened',
      targetType: 'Organization',
      targetId: organizationId,
      metadata: { planId },
    });
    return checkout;
  });
}

function isSame(ctx: Ctx, open: OpenCheckout, wanted: CheckoutInput): boolean {
  const isOpen = open.expiresAt > ctx.now();
  return isOpen && (['planId', 'successUrl', 'cancelUrl'] as const).every((key) => open[key] === wanted[key]);
}

function overtaken(): Conflict {
  return new Conflict('Another checkout was begun at the same time. Use that one.');
}

/** Closes the page of an earlier checkout. One that is over already, or was paid on, is not open either. */
async function expire(ctx: Ctx, sessionId: string): Promise<void> {
  const session = await askStripe(ctx, 'checkout.sessions.retrieve', (stripe) =>
    stripe.checkout.sessions.retrieve(sessionId),
  );
  if (session.status === 'complete')
    throw new Conflict('An earlier checkout was just paid. Look at the subscription again.');
  if (session.status === 'open')
    await askStripe(ctx, 'checkout.sessions.expire', (stripe) => stripe.checkout.sessions.expire(sessionId));
}

/** The organization's customer at Stripe, made at the first checkout. */
async function customerOf(ctx: Ctx, { organizationId, requestId }: OpenCheckout): Promise<string> {
  const account = await ctx.db.billingAccount.findUnique({ where: { organizationId } });
  if (account) return account.customerId;
  const { name } = await ctx.db.organization.findUniqueOrThrow({ where: { id: organizationId } });
  const id = encodeId('Organization', organizationId);
  const customer = await askStripe(ctx, 'customers.create', (stripe) =>
    stripe.customers.create(
      { name, metadata: { organizationId: id } },
      { idempotencyKey: `customer/${id}/${requestId}` },
    ),
  );
  const customerId = await linkCustomer(ctx, { organizationId, customerId: customer.id });
  if (!customerId) throw new NotFound();
  return customerId;
}

/** @throws Conflict when another checkout has taken the place of this one, which is closed then */
async function keepSession(ctx: Ctx, { organizationId, requestId }: OpenCheckout, sessionId: string): Promise<void> {
  const { count } = await ctx.db.openCheckout.updateMany({
    where: { organizationId, requestId },
    data: { sessionId },
  });
  if (count > 0) return;
  await expire(ctx, sessionId);
  throw overtaken();
}
