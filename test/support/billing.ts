import { expect } from 'vitest';
import { idOf } from '../../src/graphql/ids.ts';
import { graphql } from '../generated/gql.ts';
import { anEvent, deliver, type StripeServer, type StripeSubscription } from './stripe-server.ts';
import { aPerson, type Person, type TestApp } from './world.ts';

export const Checkout = graphql(`
  mutation Checkout($input: CreateCheckoutSessionInput!) {
    createCheckoutSession(input: $input) {
      __typename
      ... on BillingRedirect { url }
      ... on Conflict { field message }
    }
  }
`);

export const Portal = graphql(`
  mutation Portal($id: ID!) {
    createBillingPortalSession(input: { id: $id }) {
      __typename
      ... on BillingRedirect { url }
      ... on Conflict { message }
    }
  }
`);

export const BillingOf = graphql(`
  query BillingOf($id: ID!) {
    organization(id: $id) {
      billing { status cancelAtPeriodEnd currentPeriodEnd plan { id } }
      quota(resource: API_CALLS) { limit resetsAt }
    }
  }
`);

export const wanted = (organizationId: string, planId = 'team') => ({
  input: {
    organizationId,
    planId,
    successUrl: 'http://localhost:3000/billing?paid={CHECKOUT_SESSION_ID}',
    cancelUrl: 'http://localhost:3000/billing',
  },
});

/** The page on which a person may pay. */
export async function checkoutUrl(person: Person, planId?: string): Promise<string> {
  const { data } = await person.send(Checkout, wanted(person.organizationId, planId));
  const result = data.createCheckoutSession;
  if (result.__typename !== 'BillingRedirect') throw new Error(`no checkout: ${result.__typename}`);
  return result.url;
}

export const sessionIn = (url: string) => url.split('/').at(-1) ?? '';

/** An owner whose organization is a customer of Stripe and has paid for nothing. */
export async function aCustomer(app: TestApp): Promise<{ owner: Person; customer: string }> {
  const owner = await aPerson(app, { name: 'Olga' });
  await checkoutUrl(owner);
  const account = await app.platform.db.billingAccount.findUniqueOrThrow({ where: { organizationId: uuidOf(owner) } });
  return { owner, customer: account.customerId };
}

/** An owner who pays, and whose payment we have been told of. */
export async function aPayer(
  app: TestApp,
  stripe: StripeServer,
  changes: Partial<StripeSubscription> & { price?: string } = {},
) {
  const { owner, customer } = await aCustomer(app);
  const subscription = stripe.subscribe(customer, changes);
  await tell(app, anEvent('customer.subscription.created', subscription));
  return { owner, customer, subscription };
}

export const uuidOf = ({ organizationId }: { organizationId: string }) => idOf('Organization', organizationId);

/** Delivers an event and waits until it has been handled. */
export async function tell(app: TestApp, payload: string): Promise<void> {
  expect(await deliver(app, payload)).toBe(200);
  await untilHandled(app, payload);
}

export async function untilHandled(app: TestApp, payload: string): Promise<void> {
  const { id } = JSON.parse(payload) as { id: string };
  await expect
    .poll(() => app.platform.db.stripeEvent.findUnique({ where: { id } }), { timeout: 20_000 })
    .toMatchObject({ processedAt: expect.any(Date) });
}

export async function billingOf(owner: Person) {
  const { data } = await owner.send(BillingOf, { id: owner.organizationId });
  const { billing, quota } = data.organization ?? {};
  return { ...billing, plan: billing?.plan.id, calls: quota?.limit, resetsAt: quota?.resetsAt };
}

/** What has been written of an organization's subscription, in order. */
export async function effectsOf(app: TestApp, owner: Person) {
  const audited = await app.platform.db.auditEntry.findMany({
    where: { chainId: uuidOf(owner), action: 'subscription.updated' },
    orderBy: { sequence: 'asc' },
  });
  const events = await app.platform.db.webhookEvent.count({
    where: { organizationId: uuidOf(owner), type: 'subscription.updated' },
  });
  return { audited: audited.map(({ metadata }) => metadata as Record<string, unknown>), events };
}
