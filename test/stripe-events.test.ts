import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { aCustomer, aPayer, billingOf, checkoutUrl, effectsOf, tell, untilHandled, uuidOf } from './support/billing.ts';
import {
  anEvent,
  deliver,
  prices,
  type StripeServer,
  signed,
  startStripe,
  webhookSecret,
} from './support/stripe-server.ts';
import { aMemberOf, aPerson, callerWith, Login, password, startTestApp, type TestApp } from './support/world.ts';

const rolledSecret = 'whsec_that_comes_next';
let stripe: StripeServer;
let app: TestApp;
beforeAll(async () => {
  stripe = await startStripe();
  app = await startTestApp({
    ...stripe.environment,
    STRIPE_WEBHOOK_SECRET: `${webhookSecret},${rolledSecret}`,
    JOB_RETRY_LIMIT: '0',
  });
});
afterAll(async () => {
  await app.close();
  await stripe.close();
});

const isKept = async (payload: string) =>
  (await app.platform.db.stripeEvent.count({ where: { id: (JSON.parse(payload) as { id: string }).id } })) === 1;
const jobLines = () => app.logLines.filter(({ msg, job }) => msg === 'job' && job === 'billing.handleStripeEvent');

/** All orders of some things. */
const ordersOf = <T>(things: readonly T[]): T[][] =>
  things.length === 0
    ? [[]]
    : things.flatMap((first) => ordersOf(things.filter((thing) => thing !== first)).map((rest) => [first, ...rest]));

describe('POST /webhooks/stripe', () => {
  const event = () => anEvent('invoice.paid', { object: 'invoice', customer: 'cus_of_nobody' });

  test('keeps what Stripe has signed with any of our secrets, the bytes as they came', async () => {
    const spaced = JSON.stringify(JSON.parse(event()), null, 4);
    for (const sent of [signed(event()), signed(event(), { secret: rolledSecret }), signed(spaced)]) {
      expect(await deliver(app, sent)).toBe(200);
      expect(await isKept(sent.payload)).toBe(true);
    }
  });

  test('refuses what was not signed so, not lately, or in the future', async () => {
    const minutes = 60_000;
    const payload = event();
    const { signature } = signed(payload);
    const wrong = [
      { payload, signature: '' },
      { payload, signature: 't=1,v1=' },
      { payload: payload.replace('invoice.paid', 'invoice.pai'), signature },
      { payload: JSON.stringify(JSON.parse(payload), null, 1), signature },
      signed(payload, { secret: 'whsec_of_somebody' }),
      signed(payload, { atMs: Date.now() - 5.1 * minutes }),
      signed(payload, { atMs: Date.now() + 5.1 * minutes }),
      signed('not json'),
    ];
    for (const sent of wrong) expect(await deliver(app, sent)).toBe(400);
    expect(await isKept(payload)).toBe(false);
    for (const atMs of [Date.now() - 4.5 * minutes, Date.now() + 4.5 * minutes])
      expect(await deliver(app, signed(event(), { atMs }))).toBe(200);
  });

  test('refuses real money where the key is one for tests', async () => {
    const payload = anEvent('invoice.paid', { object: 'invoice' }, { livemode: true });
    expect(await deliver(app, payload)).toBe(400);
    expect(await isKept(payload)).toBe(false);
  });

  test('takes POST alone, and no more than a megabyte', async () => {
    expect((await fetch(`${app.url}/webhooks/stripe`)).status).toBe(405);
    const large = anEvent('invoice.paid', { object: 'invoice', note: 'x'.repeat(1_100_000) });
    expect(await deliver(app, large)).toBe(413);
  });

  test('answers 500 for what could not be kept, event and job both, and takes it when it comes again', async () => {
    const payload = event();
    const send = vi.spyOn(app.platform.jobQueue, 'send').mockRejectedValueOnce(new Error('the queue is away'));
    expect(await deliver(app, payload)).toBe(500);
    expect(await isKept(payload)).toBe(false);
    send.mockRestore();
    await tell(app, payload);
  });

  test('keeps what it does not know, and does nothing', async () => {
    const payload = anEvent('radar.early_fraud_warning.created', { object: 'radar.early_fraud_warning' });
    expect(await deliver(app, payload)).toBe(200);
    const kept = await app.platform.db.stripeEvent.findUnique({ where: { id: JSON.parse(payload).id } });
    expect(kept?.processedAt).toBeInstanceOf(Date);
  });
});

describe('F01 an event is handled exactly once', () => {
  test('F01 twenty copies at once have one effect, and every sender gets 200', async () => {
    const { owner, customer } = await aCustomer(app);
    const payload = anEvent('customer.subscription.created', stripe.subscribe(customer));
    const statuses = await Promise.all(Array.from({ length: 20 }, () => deliver(app, payload)));
    expect(new Set(statuses)).toEqual(new Set([200]));
    await untilHandled(app, payload);
    expect(await billingOf(owner)).toMatchObject({ plan: 'team', status: 'ACTIVE' });
    const { audited, events } = await effectsOf(app, owner);
    expect([audited.length, events]).toEqual([1, 1]);
    const before = stripe.calls.length;
    expect(await deliver(app, payload)).toBe(200);
    // What comes after it in the queue is done, so the copy would have been.
    await tell(app, anEvent('invoice.paid', { object: 'invoice', customer: 'cus_of_nobody' }));
    expect(stripe.calls.slice(before)).toEqual([]);
  });

  test('F01 one whose handler has failed for good is handled when Stripe sends it again', async () => {
    const { owner, customer } = await aCustomer(app);
    const payload = anEvent('customer.subscription.created', stripe.subscribe(customer));
    stripe.state.isDown = true;
    const failed = jobLines().filter(({ outcome }) => outcome === 'failed').length;
    expect(await deliver(app, payload)).toBe(200);
    await vi.waitUntil(() => jobLines().filter(({ outcome }) => outcome === 'failed').length > failed, 20_000);
    stripe.state.isDown = false;
    expect(await billingOf(owner)).toMatchObject({ plan: 'free', status: 'NONE' });
    await tell(app, payload);
    expect(await billingOf(owner)).toMatchObject({ plan: 'team', status: 'ACTIVE' });
  });
});

describe('events in any order', () => {
  test('of created, updated and deleted lead to the same state', async () => {
    for (const order of ordersOf([0, 1, 2])) {
      const { owner, customer } = await aCustomer(app);
      const subscription = stripe.subscribe(customer);
      const created = anEvent('customer.subscription.created', subscription);
      Object.assign(subscription.items.data[0]?.price ?? {}, { id: prices.business });
      const updated = anEvent('customer.subscription.updated', subscription);
      subscription.status = 'canceled';
      const deleted = anEvent('customer.subscription.deleted', subscription);
      const events = [created, updated, deleted];
      for (const at of order) expect(await deliver(app, events[at] ?? '')).toBe(200);
      for (const payload of events) await untilHandled(app, payload);
      expect([order, await billingOf(owner)]).toMatchObject([order, { plan: 'free', status: 'CANCELED' }]);
      expect((await effectsOf(app, owner)).audited).toMatchObject([{ statusBefore: 'NONE', statusAfter: 'CANCELED' }]);
    }
  }, 60_000);

  test('that come one after the other as things change lead to the last state, also where the first comes last', async () => {
    for (const order of ordersOf([0, 1, 2])) {
      const { owner, customer } = await aCustomer(app);
      const subscription = stripe.subscribe(customer);
      const changes = [
        () => {},
        () => Object.assign(subscription.items.data[0]?.price ?? {}, { id: prices.business }),
        () => Object.assign(subscription, { status: 'past_due' }),
      ];
      const events = changes.map((change) => {
        change();
        return anEvent('customer.subscription.updated', subscription);
      });
      for (const at of order) await tell(app, events[at] ?? '');
      expect([order, await billingOf(owner)]).toMatchObject([order, { plan: 'business', status: 'PAST_DUE' }]);
    }
  }, 60_000);

  test('do not let a late answer of Stripe overwrite a newer one', async () => {
    const { owner, customer } = await aCustomer(app);
    const subscription = stripe.subscribe(customer);
    const from = stripe.calls.length;
    stripe.state.delayMs = 1_500;
    const created = anEvent('customer.subscription.created', subscription);
    await deliver(app, created);
    await vi.waitUntil(() => stripe.calls.length > from, 10_000);
    stripe.state.delayMs = 0;
    subscription.status = 'canceled';
    await tell(app, anEvent('customer.subscription.deleted', subscription));
    await untilHandled(app, created);
    expect(await billingOf(owner)).toMatchObject({ status: 'CANCELED', plan: 'free' });
    expect((await effectsOf(app, owner)).audited).toHaveLength(1);
  });
});

describe('what Stripe says of a subscription', () => {
  test('decides the limits: those of the plan while it is paid, on trial or lately past due, else the free ones', async () => {
    const { owner, subscription } = await aPayer(app, stripe);
    const seen: Record<string, unknown> = {};
    for (const status of ['trialing', 'active', 'past_due', 'unpaid', 'paused', 'incomplete', 'incomplete_expired']) {
      Object.assign(subscription, { status });
      await tell(app, anEvent('customer.subscription.updated', subscription));
      const billing = await billingOf(owner);
      seen[status] = [billing.status, billing.plan, billing.calls];
    }
    expect(seen).toEqual({
      trialing: ['TRIALING', 'team', 1_000_000],
      active: ['ACTIVE', 'team', 1_000_000],
      past_due: ['PAST_DUE', 'team', 1_000_000],
      unpaid: ['UNPAID', 'free', 10_000],
      paused: ['PAUSED', 'free', 10_000],
      incomplete: ['INCOMPLETE', 'free', 10_000],
      incomplete_expired: ['CANCELED', 'free', 10_000],
    });
  });

  test('past due tells owners and admins once, and the plan holds for fourteen days more', async () => {
    const { owner, subscription } = await aPayer(app, stripe);
    const member = await aMemberOf(app, owner);
    subscription.status = 'past_due';
    for (const type of ['invoice.payment_failed', 'customer.subscription.updated'])
      await tell(
        app,
        anEvent(
          type,
          type.startsWith('invoice') ? { object: 'invoice', customer: subscription.customer } : subscription,
        ),
      );
    const told = { type: 'billing.pastDue', organizationId: uuidOf(owner) };
    const notified = await app.platform.db.notification.findMany({ where: told, include: { user: true } });
    expect(notified.map(({ user }) => user.email)).toEqual([owner.email]);
    expect(member.email).not.toBe(owner.email);
    for (const [days, plan] of [
      [13, 'team'],
      [15, 'free'],
    ] as const) {
      const offset = String(days * 86_400);
      const later = await startTestApp({ TEST_CLOCK_OFFSET_SECONDS: offset }, { beside: app });
      const { data } = await callerWith(later).send(Login, { input: { email: owner.email, password } });
      const accessToken = data.login.__typename === 'SignedIn' ? data.login.accessToken : '';
      expect(await billingOf({ ...owner, ...callerWith(later, accessToken) })).toMatchObject({
        plan,
        status: 'PAST_DUE',
      });
      await later.close();
    }
  }, 60_000);

  test('is that of the one that is paid, where a customer has several', async () => {
    const { owner, customer } = await aPayer(app, stripe, { status: 'canceled', created: 2_000_000_000 });
    stripe.subscribe(customer, { price: prices.business, created: 1_000_000_000 });
    await tell(app, anEvent('invoice.paid', { object: 'invoice', customer }));
    expect(await billingOf(owner)).toMatchObject({ plan: 'business', status: 'ACTIVE' });
  });

  test('keeps the plan where the price is no plan’s, and the job fails aloud', async () => {
    const { owner, subscription } = await aPayer(app, stripe);
    Object.assign(subscription.items.data[0]?.price ?? {}, { id: 'price_of_last_year' });
    const payload = anEvent('customer.subscription.updated', subscription);
    await deliver(app, payload);
    await vi.waitUntil(
      () => jobLines().some(({ err }) => (err as Error | undefined)?.message.includes('STRIPE_PRICES')),
      20_000,
    );
    expect(await billingOf(owner)).toMatchObject({ plan: 'team', status: 'ACTIVE' });
  });

  test('is nobody’s business here when the customer is not ours', async () => {
    const accounts = await app.platform.db.billingAccount.count();
    await tell(app, anEvent('customer.subscription.created', stripe.subscribe('cus_of_another_product')));
    expect(await app.platform.db.billingAccount.count()).toBe(accounts);
  });

  test('reaches an organization whose customer was made elsewhere by the reference of its checkout, unless it has one', async () => {
    const owner = await aPerson(app);
    stripe.subscribe('cus_made_elsewhere', { price: prices.business });
    const session = {
      object: 'checkout.session',
      customer: 'cus_made_elsewhere',
      client_reference_id: owner.organizationId,
    };
    await tell(app, anEvent('checkout.session.completed', session));
    expect(await billingOf(owner)).toMatchObject({ plan: 'business', status: 'ACTIVE' });
    stripe.subscribe('cus_of_a_thief', { status: 'canceled' });
    await tell(app, anEvent('checkout.session.completed', { ...session, customer: 'cus_of_a_thief' }));
    expect(await billingOf(owner)).toMatchObject({ plan: 'business', status: 'ACTIVE' });
  });

  test('of a deleted customer is that there is none, and the next checkout makes another customer', async () => {
    const { owner, customer } = await aPayer(app, stripe);
    const gone = stripe.customers.get(customer);
    Object.assign(gone ?? {}, { deleted: true });
    const payload = anEvent('customer.deleted', { object: 'customer', id: customer });
    await tell(app, payload);
    expect(await billingOf(owner)).toMatchObject({ plan: 'free', status: 'NONE' });
    await checkoutUrl(owner);
    const account = await app.platform.db.billingAccount.findUnique({ where: { organizationId: uuidOf(owner) } });
    expect(account?.customerId).toMatch(/^cus_/);
    expect(account?.customerId).not.toBe(customer);
  });
});
