import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { systemCtx } from '../src/context.ts';
import { reconcileBilling } from '../src/domains/billing/reconciliation.service.ts';
import { callStripe } from '../src/domains/billing/stripe-calls.service.ts';
import { periodAt } from '../src/domains/quotas/plans.ts';
import { transact } from '../src/platform/db.ts';
import { newId } from '../src/platform/typeid.ts';
import { graphql } from './generated/gql.ts';
import {
  aCustomer,
  aPayer,
  BillingOf,
  billingOf,
  checkoutUrl,
  effectsOf,
  sessionIn,
  tell,
  uuidOf,
} from './support/billing.ts';
import { callsAtOnce } from './support/calls.ts';
import { anEvent, deliver, prices, type StripeServer, startStripe } from './support/stripe-server.ts';
import { anAddress, aPerson, InviteMember, startTestApp, type TestApp } from './support/world.ts';

let stripe: StripeServer;
let app: TestApp;
beforeAll(async () => {
  stripe = await startStripe();
  app = await startTestApp(stripe.environment);
});
afterAll(async () => {
  await app.close();
  await stripe.close();
});

const DeleteOrganization = graphql(`
  mutation DeleteOrganizationThatPays($id: ID!) { deleteOrganization(input: { id: $id }) { __typename } }
`);

describe('the nightly reconciliation', () => {
  test('repairs what no event has told, once, and forgets events of long ago', async () => {
    const { owner, subscription } = await aPayer(app, stripe);
    const { owner: newcomer, customer } = await aCustomer(app);
    Object.assign(subscription, { status: 'canceled' });
    stripe.subscribe(customer, { price: prices.business, cancel_at: 1_900_000_000 });
    const old = { id: 'evt_of_long_ago', type: 'invoice.paid', receivedAt: new Date(Date.now() - 91 * 86_400_000) };
    await app.platform.db.stripeEvent.create({ data: old });
    for (const night of [1, 2]) {
      await reconcileBilling(systemCtx(app.platform));
      const done = () =>
        app.logLines.filter(({ job, outcome }) => job === 'billing.syncSubscription' && outcome === 'done');
      await vi.waitUntil(() => done().length >= night * 2, 20_000);
    }
    expect(await billingOf(owner)).toMatchObject({ plan: 'free', status: 'CANCELED' });
    expect(await billingOf(newcomer)).toMatchObject({ plan: 'business', status: 'ACTIVE', cancelAtPeriodEnd: true });
    expect((await effectsOf(app, owner)).audited).toHaveLength(2);
    expect((await effectsOf(app, newcomer)).audited).toHaveLength(1);
    expect(await app.platform.db.stripeEvent.count({ where: { id: old.id } })).toBe(0);
  });
});

describe('an organization that is deleted', () => {
  test('pays no more, and its open checkout is closed', async () => {
    const { owner, subscription, customer } = await aPayer(app, stripe);
    const late = await aPerson(app);
    const session = sessionIn(await checkoutUrl(late));
    for (const person of [owner, late]) {
      const { data } = await person.send(DeleteOrganization, { id: person.organizationId });
      expect(data.deleteOrganization.__typename).toBe('OrganizationDeleted');
    }
    await expect.poll(() => stripe.subscriptions.get(subscription.id)?.status, { timeout: 20_000 }).toBe('canceled');
    await expect.poll(() => stripe.sessions.get(session)?.status, { timeout: 20_000 }).toBe('expired');
    expect(await deliver(app, anEvent('customer.subscription.deleted', subscription))).toBe(200);
    expect(await app.platform.db.billingAccount.count({ where: { customerId: customer } })).toBe(0);
  });
});

describe('a plan that shrinks below what is used', () => {
  test('keeps everybody in, and lets nobody further in', async () => {
    const { owner, subscription } = await aPayer(app, stripe);
    const organizationId = uuidOf(owner);
    const people = Array.from({ length: 26 }, () => ({
      id: newId(),
      email: anAddress(),
      name: 'Guest',
      createdAt: new Date(),
    }));
    await app.platform.db.user.createMany({ data: people });
    const seats = people.map(({ id }) => ({
      id: newId(),
      organizationId,
      userId: id,
      role: 'MEMBER' as const,
      joinedAt: new Date(),
    }));
    await app.platform.db.membership.createMany({ data: seats });
    const invite = async () => {
      const input = { organizationId: owner.organizationId, email: anAddress(), role: 'MEMBER' as const };
      return (await owner.send(InviteMember, { input })).data.inviteMember;
    };
    expect(await invite()).toMatchObject({ __typename: 'InvitationSent' });
    subscription.status = 'canceled';
    await tell(app, anEvent('customer.subscription.deleted', subscription));
    expect(await invite()).toMatchObject({ __typename: 'QuotaExceeded' });
    expect(await app.platform.db.membership.count({ where: { organizationId } })).toBe(27);
    subscription.status = 'active';
    await tell(app, anEvent('customer.subscription.updated', subscription));
    expect(await invite()).toMatchObject({ __typename: 'InvitationSent' });
  });
});

describe('a plan that grows', () => {
  test('lets calls go on that were used up', async () => {
    const { owner, customer } = await aCustomer(app);
    const now = app.platform.now();
    const period = periodAt(now, null);
    await owner.send(BillingOf, { id: owner.organizationId });
    const counter = { periodStart: period.start, periodEnd: period.end, leased: 10_000, used: 10_000 };
    await app.platform.db.callCounter.create({ data: { organizationId: uuidOf(owner), ...counter } });
    expect(await callsAtOnce([owner], 1)).toEqual(['QUOTA_EXCEEDED']);
    await tell(app, anEvent('customer.subscription.created', stripe.subscribe(customer)));
    expect(await callsAtOnce([owner], 1)).toEqual(['ok']);
  });
});

describe('the period of API calls', () => {
  const at = (text: string) => new Date(text);
  const paid = {
    planId: 'team',
    status: 'ACTIVE',
    pastDueSince: null,
    currentPeriodStart: at('2026-01-31T10:00:00Z'),
    currentPeriodEnd: at('2026-02-28T10:00:00Z'),
  };
  const february = { start: at('2026-02-01T00:00:00Z'), end: at('2026-03-01T00:00:00Z') };

  test('is the calendar month in UTC without a subscription, or with one whose plan does not hold', () => {
    expect(periodAt(at('2026-02-14T23:59:59Z'), null)).toEqual(february);
    expect(periodAt(at('2026-02-14T23:59:59Z'), { ...paid, status: 'INCOMPLETE' })).toEqual(february);
    expect(periodAt(at('2026-12-31T23:59:59Z'), null).end).toEqual(at('2027-01-01T00:00:00Z'));
  });

  test('is the subscription’s, also before Stripe has told of the next one', () => {
    const start = paid.currentPeriodStart;
    expect(periodAt(at('2026-02-14T00:00:00Z'), paid)).toEqual({ start, end: paid.currentPeriodEnd });
    const next = { start: at('2026-02-28T10:00:00Z'), end: at('2026-03-28T10:00:00Z') };
    expect(periodAt(at('2026-02-28T10:00:00Z'), paid)).toEqual(next);
    const yearly = { ...paid, currentPeriodEnd: at('2026-01-31T10:00:01Z') };
    expect(periodAt(at('2026-02-14T00:00:00Z'), yearly).end).toEqual(at('2026-02-28T10:00:01Z'));
  });
});

describe('calls to Stripe', () => {
  test('are never made inside a transaction', async () => {
    const from = stripe.calls.length;
    const inside = transact(systemCtx(app.platform), (ctx) =>
      callStripe(ctx, 'subscriptions.list', (api) => api.subscriptions.list()),
    );
    await expect(inside).rejects.toThrow('inside a transaction');
    expect(stripe.calls.slice(from)).toEqual([]);
  });
});
