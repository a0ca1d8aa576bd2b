import { ValidationFailed } from '../../errors.ts';
import { builder } from '../../graphql/builder.ts';
import { idOf } from '../../graphql/ids.ts';
import { QuotaResource } from '../../graphql/results.ts';
import { readsEverything } from '../members/members.access.ts';
import { Organization } from '../organizations/organizations.schema.ts';
import { type Quota, quotaOf, quotasOf, setOrganizationQuota } from './quotas.service.ts';
import { type UsageRow, usageOf } from './usage.service.ts';

const QuotaRef = builder.objectRef<Quota>('Quota').implement({
  description: 'How much of a resource there is and how much of it is taken.',
  fields: (t) => ({
    resource: t.expose('resource', { type: QuotaResource, description: 'Of what.' }),
    limit: t.expose('limit', { type: 'BigInt', description: 'How much there is in all.' }),
    used: t.expose('used', {
      type: 'BigInt',
      description: 'How much is taken; of calls, what other servers counted in the last seconds may be missing.',
    }),
    remaining: t.expose('remaining', { type: 'BigInt', description: 'How much is left, never below zero.' }),
    resetsAt: t.expose('resetsAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it starts again from zero; null for what does not.',
    }),
  }),
});

builder.prismaObjectField(Organization, 'quotas', (t) =>
  t.field({
    type: [QuotaRef],
    description: 'What is left of each resource. Members.',
    authScopes: ({ id }) => ({ memberOrSuperuser: id }),
    resolve: ({ id }, _args, ctx) => quotasOf(ctx, id),
  }),
);

builder.prismaObjectField(Organization, 'quota', (t) =>
  t.field({
    type: QuotaRef,
    description: 'What is left of one resource. Members.',
    authScopes: ({ id }) => ({ memberOrSuperuser: id }),
    args: { resource: t.arg({ type: QuotaResource, required: true, description: 'Of what.' }) },
    resolve: ({ id: organizationId }, { resource }, ctx) => quotaOf(ctx, { organizationId, resource }),
  }),
);

const UsageDimension = builder.enumType('UsageDimension', {
  description: 'What usage is told apart by, within each day.',
  values: {
    OPERATION: { description: 'The first root field, such as `organization`.' },
    USER: { description: 'The person, who may have used a key.' },
    API_KEY: { description: 'The key; calls without one are `none`.' },
    DAY: { description: 'The day alone, in UTC.' },
  },
});

const UsageRowRef = builder.objectRef<UsageRow>('UsageRow').implement({
  description: 'What was used of one kind on one day.',
  fields: (t) => ({
    key: t.exposeString('key', { description: 'Name of the operation, usr_…, key_…, or the date.' }),
    label: t.exposeString('label', { description: 'The same for people to read.' }),
    quantity: t.expose('quantity', { type: 'BigInt', description: 'How much.' }),
    from: t.expose('from', { type: 'DateTime', description: 'Start of the day, or of the period within it.' }),
    to: t.expose('to', { type: 'DateTime', description: 'End of the day, or of the period within it.' }),
  }),
});

builder.prismaObjectField(Organization, 'usage', (t) =>
  t.field({
    type: [UsageRowRef],
    nullable: true,
    description: 'Who and what used the quota, by day. Totals equal the counters. Admins.',
    authScopes: ({ id }) => ({ adminOrSuperuser: id }),
    args: {
      resource: t.arg({ type: QuotaResource, required: true, description: 'Of what. Only calls are spent.' }),
      from: t.arg({ type: 'DateTime', required: true, description: 'The days from the one of this moment on …' }),
      to: t.arg({ type: 'DateTime', required: true, description: '… until this moment, 400 days later at most.' }),
      by: t.arg({ type: UsageDimension, defaultValue: 'OPERATION', description: 'What to tell apart.' }),
    },
    resolve: ({ id: organizationId }, { by, ...args }, ctx) =>
      usageOf(ctx, { organizationId, ...args, by: by ?? 'OPERATION' }),
  }),
);

const SetOrganizationQuotaInput = builder.inputType('SetOrganizationQuotaInput', {
  description: 'A limit.',
  fields: (t) => ({
    organizationId: t.id({ required: true, description: 'org_…' }),
    resource: t.field({ type: QuotaResource, required: true, description: 'Of what.' }),
    limit: t.field({ type: 'BigInt', required: true, description: 'How much there shall be, zero or more.' }),
  }),
});

const QuotaUpdated = builder.objectRef<Quota>('QuotaUpdated').implement({
  description: 'The limit holds.',
  fields: (t) => ({ quota: t.field({ type: QuotaRef, description: 'As it is now.', resolve: (quota) => quota }) }),
});

builder.mutationField('setOrganizationQuota', (t) =>
  t.field({
    description: 'Sets a limit: superusers with a second factor any, owners and admins their own up to the plan’s.',
    type: builder.errorUnion('SetOrganizationQuotaResult', {
      description: 'What became of it.',
      types: [QuotaUpdated, ValidationFailed],
      resolveType: () => 'QuotaUpdated',
    }),
    authScopes: (_root, { input }, { actor }) =>
      readsEverything(actor) ? { superuser: true } : { orgAdmin: idOf('Organization', input.organizationId) },
    args: { input: t.arg({ type: SetOrganizationQuotaInput, required: true, description: 'The limit.' }) },
    resolve: (_root, { input }, ctx) =>
      setOrganizationQuota(ctx, { ...input, organizationId: idOf('Organization', input.organizationId) }),
  }),
);
