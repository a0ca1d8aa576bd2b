import { Conflict, ValidationFailed } from '../../errors.ts';
import { builder } from '../../graphql/builder.ts';
import { IdInput } from '../../graphql/id-input.ts';
import { idOf } from '../../graphql/ids.ts';
import { recoverEndpoint, redeliver, sendTest } from './by-hand.service.ts';
import { WebhookDelivery } from './delivery.schema.ts';
import { WebhookEndpoint } from './endpoint.schema.ts';
import { organizationIdOfDelivery, organizationIdOfEndpoint } from './endpoint-access.service.ts';

const WebhookDeliveryQueued = builder.objectRef<{ deliveryId: string }>('WebhookDeliveryQueued').implement({
  description: 'It goes out at once.',
  fields: (t) => ({
    delivery: t.prismaField({
      description: 'The delivery.',
      type: WebhookDelivery,
      resolve: (query, { deliveryId: id }, _args, { db }) =>
        db.webhookDelivery.findUniqueOrThrow({ ...query, where: { id } }),
    }),
  }),
});

const WebhookDeliveryResult = builder.errorUnion('WebhookDeliveryResult', {
  description: 'What became of a delivery that somebody asked for.',
  types: [WebhookDeliveryQueued, Conflict],
  resolveType: () => 'WebhookDeliveryQueued',
});

builder.mutationField('sendTestWebhook', (t) =>
  t.field({
    description: 'Sends a `test.ping` to one endpoint, whatever it subscribes to. Admins, after a second factor.',
    type: WebhookDeliveryResult,
    authScopes: async (_root, { input }, ctx) => ({
      orgAdmin: await organizationIdOfEndpoint(ctx, idOf('WebhookEndpoint', input.id)),
      mfaSatisfied: true,
    }),
    args: { input: t.arg({ type: IdInput, required: true, description: 'Which endpoint, whe_….' }) },
    resolve: (_root, { input }, ctx) => sendTest(ctx, { endpointId: idOf('WebhookEndpoint', input.id) }),
  }),
);

builder.mutationField('redeliverWebhook', (t) =>
  t.field({
    description:
      'Sends a delivery again at once, under the id that it has, in place of the retry that it may be waiting for. Admins, after a second factor.',
    type: WebhookDeliveryResult,
    authScopes: async (_root, { input }, ctx) => ({
      orgAdmin: await organizationIdOfDelivery(ctx, idOf('WebhookDelivery', input.id)),
      mfaSatisfied: true,
    }),
    args: { input: t.arg({ type: IdInput, required: true, description: 'Which delivery, dlv_….' }) },
    resolve: (_root, { input }, ctx) => redeliver(ctx, { deliveryId: idOf('WebhookDelivery', input.id) }),
  }),
);

const RecoverWebhookEndpointInput = builder.inputType('RecoverWebhookEndpointInput', {
  description: 'What to send again.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'whe_…' }),
    since: t.field({ type: 'DateTime', required: true, description: 'A moment of the last 14 days.' }),
  }),
});

const WebhookDeliveriesRecovered = builder
  .objectRef<{ endpointId: string; count: number }>('WebhookDeliveriesRecovered')
  .implement({
    description: 'They go out again, ten a second.',
    fields: (t) => ({
      count: t.exposeInt('count', { description: 'How many there are.' }),
      endpoint: t.prismaField({
        description: 'The endpoint.',
        type: WebhookEndpoint,
        resolve: (query, { endpointId: id }, _args, { db }) =>
          db.webhookEndpoint.findUniqueOrThrow({ ...query, where: { id } }),
      }),
    }),
  });

builder.mutationField('recoverWebhookEndpoint', (t) =>
  t.field({
    description:
      'Sends again what failed or was canceled since a moment, the oldest first, 10 000 at most. Admins, after a second factor.',
    type: builder.errorUnion('RecoverWebhookEndpointResult', {
      description: 'What became of it.',
      types: [WebhookDeliveriesRecovered, ValidationFailed, Conflict],
      resolveType: () => 'WebhookDeliveriesRecovered',
    }),
    authScopes: async (_root, { input }, ctx) => ({
      orgAdmin: await organizationIdOfEndpoint(ctx, idOf('WebhookEndpoint', input.id)),
      mfaSatisfied: true,
    }),
    args: {
      input: t.arg({ type: RecoverWebhookEndpointInput, required: true, description: 'Which, and since when.' }),
    },
    resolve: (_root, { input: { id, since } }, ctx) =>
      recoverEndpoint(ctx, { endpointId: idOf('WebhookEndpoint', id), since }),
  }),
);
