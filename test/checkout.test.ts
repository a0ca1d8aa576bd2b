import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  BillingOf,
  billingOf,
  Checkout,
  checkoutUrl,
  effectsOf,
  Portal,
  sessionIn,
  tell,
  uuidOf,
  wanted,
} from './support/billing.ts';
import { aCast, callerKinds } from './support/callers.ts';
import { anEvent, prices, type StripeServer, startStripe } from './support/stripe-server.ts';
import { aPerson, startTestApp, type TestApp } from './support/world.ts';

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

const callsOf = (call: string, from = 0) => stripe.calls.slice(from).filter((made) => made.call === call);

describe('createCheckoutSession', () => {
  test('leads an owner to a page to pay on, and the plan holds once Stripe has told of it', async () => {
    const owner = await aPerson(app);
    const url = await checkoutUrl(owner);
    const { session, subscription } = stripe.pay(sessionIn(url));
    expect(session.form).toMatchObject({
      mode: 'subscription',
      client_reference_id: owner.organizationId,
      'subscription_data[metadata][organizationId]': owner.organizationId,
      'line_items[0][price]': prices.team,
      success_url: 'http://localhost:3000/billing?paid={CHECKOUT_SESSION_ID}',
    });
    expect(await billingOf(owner)).toMatchObject({ plan: 'free', status: 'NONE', calls: 10_000 });
    await tell(app, anEvent('checkout.session.completed', session));
    const end = new Date((subscription.items.data[0]?.current_period_end ?? 0) * 1000).toISOString();
    expect(await billingOf(owner)).toEqual({
      plan: 'team',
      status: 'ACTIVE',
      cancelAtPeriodEnd: false,
      currentPeriodEnd: end,
      calls: 1_000_000,
      resetsAt: end,
    });
    const { audited, events } = await effectsOf(app, owner);
    expect(audited).toMatchObject([
      { planBefore: 'free', planAfter: 'team', statusBefore: 'NONE', statusAfter: 'ACTIVE' },
    ]);
    expect(events).toBe(1);
    expect(await app.platform.db.openCheckout.count({ where: { organizationId: uuidOf(owner) } })).toBe(0);
    const again = await owner.send(Checkout, wanted(owner.organizationId));
    expect(again.data.createCheckoutSession).toMatchObject({ __typename: 'Conflict', field: 'planId' });
  });

  test('gives twenty who ask at once the same page of one session of one customer', async () => {
    const owner = await aPerson(app);
    const from = stripe.calls.length;
    const urls = await Promise.all(Array.from({ length: 20 }, () => checkoutUrl(owner)));
    expect(new Set(urls).size).toBe(1);
    const keys = callsOf('POST /v1/checkout/sessions', from).map(({ key }) => key);
    expect(new Set(keys)).toEqual(new Set([expect.stringContaining(`checkout/${owner.organizationId}/`)]));
    expect(new Set(callsOf('POST /v1/customers', from).map(({ key }) => key)).size).toBe(1);
    const opened = { chainId: uuidOf(owner), action: 'checkout.opened' };
    expect(await app.platform.db.auditEntry.count({ where: opened })).toBe(1);
  });

  test('has one checkout open at a time: another plan closes the page of the first', async () => {
    const owner = await aPerson(app);
    const first = sessionIn(await checkoutUrl(owner, 'team'));
    const second = sessionIn(await checkoutUrl(owner, 'business'));
    expect([first, second].map((id) => stripe.sessions.get(id)?.status)).toEqual(['expired', 'open']);
    stripe.pay(second);
    const third = await owner.send(Checkout, wanted(owner.organizationId, 'team'));
    expect(third.data.createCheckoutSession.__typename).toBe('Conflict');
  });

  test('leads nobody to a page that is not the app’s, and sells no plan without a price', async () => {
    const owner = await aPerson(app);
    const from = stripe.calls.length;
    const { input } = wanted(owner.organizationId);
    const foreign = [
      'https://evil.example.com/',
      'http://localhost:3000@evil.example.com/',
      'javascript:alert(1)',
      '//x',
    ];
    const wrong = [
      ...foreign.flatMap((url) => [
        { ...input, successUrl: url },
        { ...input, cancelUrl: url },
      ]),
      { ...input, planId: 'free' },
      { ...input, planId: 'made-up' },
    ];
    for (const input of wrong) expect((await owner.send(Checkout, { input })).codes).toEqual(['BAD_USER_INPUT']);
    expect(stripe.calls.slice(from)).toEqual([]);
  });

  test('says that the service is away while Stripe is, and writes one line for each call', async () => {
    const owner = await aPerson(app);
    stripe.state.isDown = true;
    const { codes, headers } = await owner.send(Checkout, wanted(owner.organizationId));
    stripe.state.isDown = false;
    expect(codes).toEqual(['SERVICE_UNAVAILABLE']);
    const requestId = headers.get('x-request-id');
    const lines = app.logLines.filter((line) => line.msg === 'stripe call' && line.requestId === requestId);
    expect(lines).toEqual([
      expect.objectContaining({
        userId: owner.id,
        organizationId: owner.organizationId,
        operationName: 'customers.create',
        outcome: 'StripeAPIError',
        durationMs: expect.any(Number),
      }),
    ]);
    expect(await checkoutUrl(owner)).toContain('/pay/');
  });
});

describe('who may open pages of Stripe', () => {
  const expected = {
    anonymous: 'UNAUTHENTICATED',
    outsider: 'NOT_FOUND',
    member: 'FORBIDDEN',
    admin: 'FORBIDDEN',
    owner: 'BillingRedirect',
    'superuser without second factor': 'NOT_FOUND',
    superuser: 'NOT_FOUND',
  };

  test('owners alone', async () => {
    const { organizationId, callers } = await aCast(app);
    const from = stripe.calls.length;
    const checkouts: Record<string, string> = {};
    for (const kind of callerKinds) {
      const { data, codes } = await callers[kind].send(Checkout, wanted(organizationId));
      checkouts[kind] = codes[0] ?? data.createCheckoutSession.__typename;
    }
    const portals: Record<string, string> = {};
    for (const kind of callerKinds) {
      const { data, codes } = await callers[kind].send(Portal, { id: organizationId });
      portals[kind] = codes[0] ?? data.createBillingPortalSession.__typename;
    }
    expect(checkouts).toEqual(expected);
    expect(portals).toEqual(expected);
    expect(stripe.calls.slice(from).map(({ call }) => call)).toEqual([
      'POST /v1/customers',
      'POST /v1/checkout/sessions',
      'POST /v1/billing_portal/sessions',
    ]);
  });

  test('nobody where Stripe is not set up, which is said, and all else works', async () => {
    const bare = await startTestApp();
    const owner = await aPerson(bare);
    const refused = [
      await owner.send(Checkout, wanted(owner.organizationId)),
      await owner.send(Portal, { id: owner.organizationId }),
    ];
    for (const { codes, errors } of refused) {
      expect(codes).toEqual(['FORBIDDEN']);
      expect(errors[0]?.message).toContain('STRIPE_SECRET_KEY');
    }
    expect((await owner.send(BillingOf, { id: owner.organizationId })).codes).toEqual([]);
    expect((await fetch(`${bare.url}/webhooks/stripe`, { method: 'POST', body: '{}' })).status).toBe(404);
    await bare.close();
  });
});

describe('createBillingPortalSession', () => {
  test('leads back to the app, and is a conflict for who never began to pay', async () => {
    const owner = await aPerson(app);
    const early = await owner.send(Portal, { id: owner.organizationId });
    expect(early.data.createBillingPortalSession.__typename).toBe('Conflict');
    await checkoutUrl(owner);
    const from = stripe.calls.length;
    const { data } = await owner.send(Portal, { id: owner.organizationId });
    expect(data.createBillingPortalSession).toMatchObject({ url: expect.stringContaining('/portal/cus_') });
    expect(stripe.calls.slice(from)).toMatchObject([
      { form: { return_url: 'http://localhost:3000' }, key: expect.stringContaining(owner.organizationId) },
    ]);
  });
});
