import { queryFromInfo } from '@pothos/plugin-prisma';
import { builder } from '../../graphql/builder.ts';
import { connectionType, paginate } from '../../graphql/pagination.ts';
import { WebhookDeliveryConnection, WebhookDeliveryStatus } from './delivery.schema.ts';
import { visibleWebhooks } from './endpoint-access.service.ts';
import { statusOf } from './endpoint-state.service.ts';
import { deliveriesOf } from './webhook-lists.service.ts';

const WebhookEndpointStatus = builder.enumType('WebhookEndpointStatus', {
  description: 'Whether an endpoint is sent anything.',
  values: {
    PENDING_VERIFICATION: { description: 'New, or at a new URL: it has not answered the challenge yet.' },
    ENABLED: { description: 'It gets what it subscribes to.' },
    PAUSED: { description: 'It has not proved its new secret in time; what is for it is held.' },
    DISABLED: { description: 'Switched off: by an admin, by its answer 410, or after five days of failures.' },
  },
});

export const WebhookEndpoint = builder.prismaNode('WebhookEndpoint', {
  description: 'A receiver of an organization’s events. Seen by the organization’s admins.',
  id: { field: 'id' },
  nullable: true,
  findUnique: (id, { actor }) => ({ id, AND: visibleWebhooks(actor) }),
  select: { id: true },
  fields: (t) => ({
    organization: t.relation('organization', { description: 'Whose events it gets.' }),
    url: t.exposeString('url', { description: 'Where to.' }),
    description: t.exposeString('description', { description: 'What it is for.', nullable: true }),
    eventTypes: t.exposeStringList('eventTypes', { description: 'What it gets.' }),
    headerNames: t.exposeStringList('headerNames', {
      description: 'The headers that are sent along. Their values are not shown.',
    }),
    status: t.field({
      description: 'Whether it is sent anything now.',
      type: WebhookEndpointStatus,
      select: { status: true, reverifyBy: true },
      resolve: (endpoint, _args, ctx) => statusOf(ctx, endpoint),
    }),
    secretHint: t.exposeString('secretHint', {
      description: '`whsec_…` and the last four characters. The secret itself is returned only when it is made.',
    }),
    previousSecretExpiresAt: t.expose('previousSecretExpiresAt', {
      description: 'While it lasts, deliveries carry signatures of the new and the old secret.',
      type: 'DateTime',
      nullable: true,
    }),
    verifiedAt: t.expose('verifiedAt', {
      description: 'When the receiver last proved that it holds the newest secret.',
      type: 'DateTime',
      nullable: true,
    }),
    reverifyBy: t.expose('reverifyBy', {
      description:
        'After a rotation the endpoint stays ENABLED until this moment; not verified by then it is PAUSED and deliveries are held.',
      type: 'DateTime',
      nullable: true,
    }),
    createdAt: t.expose('createdAt', { description: 'When it was made.', type: 'DateTime' }),
  }),
});

builder.prismaObjectField(WebhookEndpoint, 'deliveries', (t) =>
  t.field({
    description: 'What was, is or will be sent to it, newest first, for 30 days.',
    type: WebhookDeliveryConnection,
    args: {
      ...t.arg.connectionArgs(),
      status: t.arg({ type: WebhookDeliveryStatus, description: 'Only those that stand so.' }),
    },
    resolve: ({ id: endpointId }, { status = null, ...page }, ctx, info) => {
      const query = queryFromInfo({ context: ctx, info, typeName: 'WebhookDelivery', path: ['edges', 'node'] });
      return paginate(ctx, page, deliveriesOf(ctx, { endpointId, status }, query));
    },
  }),
);

export const WebhookEndpointConnection = connectionType('WebhookEndpoint', WebhookEndpoint);
