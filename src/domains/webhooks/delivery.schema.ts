import { builder } from '../../graphql/builder.ts';
import { connectionType } from '../../graphql/pagination.ts';
import { visibleWebhooks } from './endpoint-access.service.ts';

export const WebhookEvent = builder.prismaNode('WebhookEvent', {
  description: 'What happened, as receivers are told. Kept for 30 days, seen by the organization’s admins.',
  id: { field: 'id' },
  nullable: true,
  findUnique: (id, { actor }) => ({ id, AND: visibleWebhooks(actor) }),
  select: { id: true },
  fields: (t) => ({
    type: t.exposeString('type', { description: 'Of `webhookEventTypes`.' }),
    payload: t.field({
      description: 'The body that is sent, in the order of its keys.',
      type: 'JSON',
      select: { payload: true },
      resolve: ({ payload }) => JSON.parse(payload),
    }),
    createdAt: t.expose('createdAt', { description: 'When it happened.', type: 'DateTime' }),
  }),
});

export const WebhookDeliveryStatus = builder.enumType('WebhookDeliveryStatus', {
  description: 'Where a delivery stands.',
  values: {
    PENDING: { description: 'Waits for its first try or the next one.' },
    SENDING: { description: 'On its way.' },
    SUCCEEDED: { description: 'Answered with 2xx.' },
    FAILED: { description: 'Every try is used up. It can be sent again by hand.' },
    CANCELED: { description: 'Not wanted any more: the endpoint was disabled, or took its type out.' },
  },
});

builder.prismaObject('WebhookAttempt', {
  description: 'One try, and what came of it.',
  fields: (t) => ({
    number: t.exposeInt('number', { description: 'From 1. One that a killed process began is missing.' }),
    at: t.expose('at', { description: 'When it began.', type: 'DateTime' }),
    durationMs: t.exposeInt('durationMs', { description: 'How long it took.' }),
    statusCode: t.exposeInt('statusCode', { description: 'Null when there was no answer.', nullable: true }),
    error: t.exposeString('error', {
      description:
        'Null for a success, else TIMEOUT, DNS_FAILED, TLS_FAILED, CONNECTION_FAILED, DESTINATION_NOT_ALLOWED, REDIRECT or HTTP_STATUS.',
      nullable: true,
    }),
    responseSnippet: t.exposeString('responseSnippet', {
      description: 'The first 16 KiB of the answer.',
      nullable: true,
    }),
    manual: t.exposeBoolean('isManual', { description: 'Whether somebody asked for it.' }),
  }),
});

export const WebhookDelivery = builder.prismaNode('WebhookDelivery', {
  description: 'One event on its way to one endpoint. `webhook-id` is the id of the event.',
  id: { field: 'id' },
  nullable: true,
  findUnique: (id, { actor }) => ({ id, AND: visibleWebhooks(actor) }),
  select: { id: true },
  fields: (t) => ({
    event: t.relation('event', { description: 'What is told.' }),
    endpoint: t.relation('endpoint', { description: 'To whom.' }),
    status: t.expose('status', { description: 'Where it stands.', type: WebhookDeliveryStatus }),
    attempts: t.relation('attempts', {
      description: 'The tries so far, the first one first.',
      query: { orderBy: { number: 'asc' } },
    }),
    nextAttemptAt: t.field({
      description: 'When it is tried next; null unless it is PENDING.',
      type: 'DateTime',
      nullable: true,
      select: { status: true, dueAt: true },
      resolve: ({ status, dueAt }) => (status === 'PENDING' ? dueAt : null),
    }),
    createdAt: t.expose('createdAt', { description: 'When the event was written.', type: 'DateTime' }),
  }),
});

export const WebhookEventConnection = connectionType('WebhookEvent', WebhookEvent);
export const WebhookDeliveryConnection = connectionType('WebhookDelivery', WebhookDelivery);
