import { Conflict } from '../../errors.ts';
import { builder } from '../../graphql/builder.ts';
import { IdInput } from '../../graphql/id-input.ts';
import { idOf } from '../../graphql/ids.ts';
import { QuotaResource } from '../../graphql/results.ts';
import { Organization } from '../organizations/organizations.schema.ts';
import { quotaResources } from '../quotas/quotas.service.ts';
import { type Billing, billingOf, plansOnOffer } from './billing.service.ts';
import { createBillingPortalSession, createCheckoutSession } from './checkout.service.ts';
import { subscriptionStatuses } from './subscription-state.service.ts';

const PlanLimit = builder.objectRef<{ resource: (typeof quotaResources)[number]; limit: number }>('PlanLimit');
PlanLimit.implement({
  description: 'How much of a resource a plan has.',
  fields: (t) => ({
    resource: t.expose('resource', { type: QuotaResource, description: 'Of what.' }),
    limit: t.expose('limit', { type: 'BigInt', description: 'How much; of calls, in each period.' }),
  }),
});

const PlanRef = builder.objectRef<Billing['plan']>('Plan').implement({
  description: 'What an organization can have for a price.',
  fields: (t) => ({
    id: t.exposeString('id', { description: 'Such as `team`.' }),
    name: t.exposeString('name', { description: 'For people to read.' }),
    monthlyPriceCents: t.exposeInt('monthlyPriceCents', { description: 'In hundredths of the currency.' }),
    currency: t.exposeString('currency', { description: 'ISO 4217, small letters.' }),
    limits: t.field({
      type: [PlanLimit],
      description: 'One for each resource.',
      resolve: ({ limits }) => quotaResources.map((resource) => ({ resource, limit: limits[resource] })),
    }),
  }),
});

builder.queryField('plans', (t) =>
  t.field({
    type: [PlanRef],
    description: 'What there is to choose from, cheapest first.',
    authScopes: { public: true },
    resolve: () => plansOnOffer(),
  }),
);

const SubscriptionStatus = builder.enumType('SubscriptionStatus', {
  description: 'How a subscription stands.',
  values: Object.fromEntries(subscriptionStatuses.map((status) => [status, { description: meaningOf(status) }])) as {
    [Status in (typeof subscriptionStatuses)[number]]: { description: string };
  },
});

function meaningOf(status: (typeof subscriptionStatuses)[number]): string {
  return {
    NONE: 'There is none, nor was there one.',
    TRIALING: 'On trial: the plan holds.',
    ACTIVE: 'Paid: the plan holds.',
    PAST_DUE: 'A payment failed: the plan holds for 14 days more.',
    UNPAID: 'Payments failed for good: the free limits hold.',
    PAUSED: 'Paused: the free limits hold.',
    CANCELED: 'Over: the free limits hold.',
    INCOMPLETE: 'The first payment is still to come: the free limits hold.',
  }[status];
}

const BillingRef = builder.objectRef<Billing>('Billing').implement({
  description: 'What an organization pays for.',
  fields: (t) => ({
    plan: t.field({ type: PlanRef, description: 'Whose limits hold now.', resolve: ({ plan }) => plan }),
    status: t.expose('status', { type: SubscriptionStatus, description: 'How the subscription stands.' }),
    currentPeriodEnd: t.expose('currentPeriodEnd', {
      type: 'DateTime',
      nullable: true,
      description: 'Until when it is paid; null without a subscription.',
    }),
    cancelAtPeriodEnd: t.exposeBoolean('cancelAtPeriodEnd', { description: 'Whether it ends then.' }),
  }),
});

builder.prismaObjectField(Organization, 'billing', (t) =>
  t.field({
    type: BillingRef,
    nullable: true,
    description: 'Plan and subscription. Admins.',
    authScopes: ({ id }) => ({ adminOrSuperuser: id }),
    resolve: ({ id }, _args, ctx) => billingOf(ctx, id),
  }),
);

const BillingRedirect = builder.objectRef<{ url: string }>('BillingRedirect').implement({
  description: 'A page of Stripe to go to.',
  fields: (t) => ({ url: t.exposeString('url', { description: 'For one visit, soon.' }) }),
});

const BillingRedirectResult = builder.errorUnion('BillingRedirectResult', {
  description: 'What became of it.',
  types: [BillingRedirect, Conflict],
  resolveType: () => 'BillingRedirect',
});

const CreateCheckoutSessionInput = builder.inputType('CreateCheckoutSessionInput', {
  description: 'What to pay for, and where to go afterwards.',
  fields: (t) => ({
    organizationId: t.id({ required: true, description: 'org_…' }),
    planId: t.string({ required: true, description: 'One of `plans` that has a price.' }),
    successUrl: t.string({ required: true, description: 'A page of the app, for who has paid.' }),
    cancelUrl: t.string({ required: true, description: 'A page of the app, for who has not.' }),
  }),
});

builder.mutationField('createCheckoutSession', (t) =>
  t.field({
    description: 'Opens a page on which to pay for a plan. Owners. The plan holds once Stripe has told us.',
    type: BillingRedirectResult,
    authScopes: (_root, { input }) => ({ orgOwner: idOf('Organization', input.organizationId) }),
    args: { input: t.arg({ type: CreateCheckoutSessionInput, required: true, description: 'The choice.' }) },
    resolve: (_root, { input }, ctx) =>
      createCheckoutSession(ctx, { ...input, organizationId: idOf('Organization', input.organizationId) }),
  }),
);

builder.mutationField('createBillingPortalSession', (t) =>
  t.field({
    description: 'Opens the page on which to change the plan, the card, or to cancel. Owners.',
    type: BillingRedirectResult,
    authScopes: (_root, { input }) => ({ orgOwner: idOf('Organization', input.id) }),
    args: { input: t.arg({ type: IdInput, required: true, description: 'Of which organization, org_….' }) },
    resolve: (_root, { input }, ctx) =>
      createBillingPortalSession(ctx, { organizationId: idOf('Organization', input.id) }),
  }),
);
