import { queryFromInfo } from '@pothos/plugin-prisma';
import { Conflict, ValidationFailed, VerificationFailed } from '../../errors.ts';
import { builder } from '../../graphql/builder.ts';
import { IdInput } from '../../graphql/id-input.ts';
import { idOf } from '../../graphql/ids.ts';
import { paginate } from '../../graphql/pagination.ts';
import { RotateSecretInput } from '../../graphql/rotate-secret-input.ts';
import { eventNames } from '../events/events.service.ts';
import { Organization } from '../organizations/organizations.schema.ts';
import { verifyEndpoint } from './challenge.service.ts';
import { WebhookEventConnection } from './delivery.schema.ts';
import { WebhookEndpoint, WebhookEndpointConnection } from './endpoint.schema.ts';
import { organizationIdOfEndpoint } from './endpoint-access.service.ts';
import { setEndpointEnabled } from './endpoint-state.service.ts';
import { createEndpoint, deleteEndpoint, type EndpointSecret, updateEndpoint } from './endpoints.service.ts';
import { rotateSecret } from './rotation.service.ts';
import { endpointsOf, eventsOf } from './webhook-lists.service.ts';

builder.queryField('webhookEventTypes', (t) =>
  t.stringList({
    description: 'What a webhook endpoint can subscribe to.',
    authScopes: { public: true },
    resolve: () => eventNames(),
  }),
);

builder.prismaObjectFields(Organization, (t) => ({
  webhookEndpoints: t.field({
    description: 'The receivers of its events, oldest first. Admins.',
    type: WebhookEndpointConnection,
    nullable: true,
    authScopes: ({ id }) => ({ adminOrSuperuser: id }),
    args: t.arg.connectionArgs(),
    resolve: ({ id: organizationId }, args, ctx, info) => {
      const query = queryFromInfo({ context: ctx, info, typeName: 'WebhookEndpoint', path: ['edges', 'node'] });
      return paginate(ctx, args, endpointsOf(ctx, { organizationId }, query));
    },
  }),
  webhookEvents: t.field({
    description: 'What happened, newest first, for 30 days, whether a receiver wanted it or not. Admins.',
    type: WebhookEventConnection,
    nullable: true,
    authScopes: ({ id }) => ({ adminOrSuperuser: id }),
    args: { ...t.arg.connectionArgs(), type: t.arg.string({ description: 'Only those of this type.' }) },
    resolve: ({ id: organizationId }, { type = null, ...page }, ctx, info) => {
      const query = queryFromInfo({ context: ctx, info, typeName: 'WebhookEvent', path: ['edges', 'node'] });
      return paginate(ctx, page, eventsOf(ctx, { organizationId, type }, query));
    },
  }),
}));

const WebhookEndpointSecret = builder.objectRef<EndpointSecret>('WebhookEndpointSecret').implement({
  description: 'An endpoint with its secret, which is shown this once.',
  fields: (t) => ({
    endpoint: t.prismaField({
      description: 'The endpoint.',
      type: WebhookEndpoint,
      resolve: (query, { endpointId: id }, _args, { db }) =>
        db.webhookEndpoint.findUniqueOrThrow({ ...query, where: { id } }),
    }),
    secret: t.exposeString('secret', { description: '`whsec_…`, for the verifiers of Standard Webhooks.' }),
  }),
});

const WebhookEndpointUpdated = builder.objectRef<{ endpointId: string }>('WebhookEndpointUpdated').implement({
  description: 'It has changed.',
  fields: (t) => ({
    endpoint: t.prismaField({
      description: 'As it is now.',
      type: WebhookEndpoint,
      resolve: (query, { endpointId: id }, _args, { db }) =>
        db.webhookEndpoint.findUniqueOrThrow({ ...query, where: { id } }),
    }),
  }),
});

const WebhookEndpointSecretResult = builder.errorUnion('WebhookEndpointSecretResult', {
  description: 'What became of a new endpoint or secret.',
  types: [WebhookEndpointSecret, ValidationFailed, Conflict],
  resolveType: () => 'WebhookEndpointSecret',
});

const UpdateWebhookEndpointResult = builder.errorUnion('UpdateWebhookEndpointResult', {
  description: 'What became of a change.',
  types: [WebhookEndpointUpdated, ValidationFailed],
  resolveType: () => 'WebhookEndpointUpdated',
});

const WebhookHeaderInput = builder.inputType('WebhookHeaderInput', {
  description: 'A header to send along, for a gateway before the receiver.',
  fields: (t) => ({
    name: t.string({ required: true, description: 'None that HTTP or Standard Webhooks decide by.' }),
    value: t.string({ required: true, description: 'Printable ASCII. Kept encrypted and not shown again.' }),
  }),
});

const CreateWebhookEndpointInput = builder.inputType('CreateWebhookEndpointInput', {
  description: 'A new endpoint.',
  fields: (t) => ({
    organizationId: t.id({ required: true, description: 'org_… whose events it gets.' }),
    url: t.string({ required: true, description: 'https:, public.' }),
    eventTypes: t.stringList({ required: true, description: 'Of `webhookEventTypes`, at least one.' }),
    description: t.string({ description: 'What it is for.' }),
    headers: t.field({ type: [WebhookHeaderInput], description: 'Sent with each delivery, at most ten.' }),
  }),
});

builder.mutationField('createWebhookEndpoint', (t) =>
  t.field({
    description:
      'Makes an endpoint and asks it at once to prove that it holds its secret; nothing is delivered before it does. Admins, after a second factor and a fresh proof of who they are.',
    type: WebhookEndpointSecretResult,
    authScopes: (_root, { input }) => ({
      orgAdmin: idOf('Organization', input.organizationId),
      mfaSatisfied: true,
      reauthenticated: true,
    }),
    args: { input: t.arg({ type: CreateWebhookEndpointInput, required: true, description: 'The form.' }) },
    resolve: (_root, { input }, ctx) =>
      createEndpoint(ctx, { ...input, organizationId: idOf('Organization', input.organizationId) }),
  }),
);

const UpdateWebhookEndpointInput = builder.inputType('UpdateWebhookEndpointInput', {
  description: 'What to change; what is left out stays.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'whe_…' }),
    url: t.string({ description: 'Another one must prove itself before anything is delivered there.' }),
    eventTypes: t.stringList({ description: 'All that it gets from now on.' }),
    description: t.string({ description: 'What it is for.' }),
    headers: t.field({ type: [WebhookHeaderInput], description: 'All of them; an empty list for none.' }),
  }),
});

builder.mutationField('updateWebhookEndpoint', (t) =>
  t.field({
    description: 'Changes an endpoint. Admins, after a second factor.',
    type: UpdateWebhookEndpointResult,
    authScopes: async (_root, { input }, ctx) => ({
      orgAdmin: await organizationIdOfEndpoint(ctx, idOf('WebhookEndpoint', input.id)),
      mfaSatisfied: true,
    }),
    args: { input: t.arg({ type: UpdateWebhookEndpointInput, required: true, description: 'The change.' }) },
    resolve: (_root, { input: { id, ...change } }, ctx) =>
      updateEndpoint(ctx, { ...change, endpointId: idOf('WebhookEndpoint', id) }),
  }),
);

builder.mutationField('verifyWebhookEndpoint', (t) =>
  t.field({
    description:
      'Asks the receiver now to prove that it holds the newest secret, and waits up to ten seconds for its answer. Admins, after a second factor.',
    type: builder.errorUnion('VerifyWebhookEndpointResult', {
      description: 'What the receiver answered.',
      types: [WebhookEndpointUpdated, VerificationFailed],
      resolveType: () => 'WebhookEndpointUpdated',
    }),
    authScopes: async (_root, { input }, ctx) => ({
      orgAdmin: await organizationIdOfEndpoint(ctx, idOf('WebhookEndpoint', input.id)),
      mfaSatisfied: true,
    }),
    args: { input: t.arg({ type: IdInput, required: true, description: 'Which one.' }) },
    resolve: (_root, { input }, ctx) => verifyEndpoint(ctx, { endpointId: idOf('WebhookEndpoint', input.id) }),
  }),
);

builder.mutationField('rotateWebhookSecret', (t) =>
  t.field({
    description:
      'Gives an endpoint a new secret. Both sign until the overlap ends; by then the receiver must have proved that it holds the new one, or it is paused. Admins, as for createWebhookEndpoint.',
    type: WebhookEndpointSecretResult,
    authScopes: async (_root, { input }, ctx) => ({
      orgAdmin: await organizationIdOfEndpoint(ctx, idOf('WebhookEndpoint', input.id)),
      mfaSatisfied: true,
      reauthenticated: true,
    }),
    args: { input: t.arg({ type: RotateSecretInput, required: true, description: 'Which one.' }) },
    resolve: (_root, { input }, ctx) => rotateSecret(ctx, { ...input, endpointId: idOf('WebhookEndpoint', input.id) }),
  }),
);

const SetEnabledInput = builder.inputType('SetEnabledInput', {
  description: 'Which one, and whether on or off.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'Its TypeID.' }),
    enabled: t.boolean({ required: true, description: 'On, or off.' }),
  }),
});

builder.mutationField('setWebhookEndpointEnabled', (t) =>
  t.field({
    description:
      'Switches an endpoint off, which cancels what waits for it, or on again, at once if it has proved its newest secret. Admins, after a second factor.',
    type: UpdateWebhookEndpointResult,
    authScopes: async (_root, { input }, ctx) => ({
      orgAdmin: await organizationIdOfEndpoint(ctx, idOf('WebhookEndpoint', input.id)),
      mfaSatisfied: true,
    }),
    args: { input: t.arg({ type: SetEnabledInput, required: true, description: 'Which one.' }) },
    resolve: (_root, { input: { id, enabled } }, ctx) =>
      setEndpointEnabled(ctx, { endpointId: idOf('WebhookEndpoint', id), enabled }),
  }),
);

const WebhookEndpointDeleted = builder.objectRef<{ endpointId: string }>('WebhookEndpointDeleted').implement({
  description: 'It is gone, with all that was on its way to it.',
  fields: (t) => ({
    endpointId: t.globalID({
      description: 'Which one it was.',
      resolve: ({ endpointId }) => ({ type: 'WebhookEndpoint', id: endpointId }),
    }),
  }),
});

builder.mutationField('deleteWebhookEndpoint', (t) =>
  t.field({
    description: 'Takes an endpoint away. Admins, after a second factor.',
    type: builder.errorUnion('DeleteWebhookEndpointResult', {
      description: 'What became of it.',
      types: [WebhookEndpointDeleted, ValidationFailed],
      resolveType: () => 'WebhookEndpointDeleted',
    }),
    authScopes: async (_root, { input }, ctx) => ({
      orgAdmin: await organizationIdOfEndpoint(ctx, idOf('WebhookEndpoint', input.id)),
      mfaSatisfied: true,
    }),
    args: { input: t.arg({ type: IdInput, required: true, description: 'Which one.' }) },
    resolve: (_root, { input }, ctx) => deleteEndpoint(ctx, { endpointId: idOf('WebhookEndpoint', input.id) }),
  }),
);
