import { builder } from '../../graphql/builder.ts';
import { QuotaResource } from '../../graphql/results.ts';
import { Organization } from '../organizations/organizations.schema.ts';
import { quotaResources } from '../quotas/quotas.service.ts';
import { type Billing, billingOf, plansOnOffer, subscriptionStatuses } from './billing.service.ts';

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
