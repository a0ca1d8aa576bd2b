import { expect, vi } from 'vitest';
import { decodeId } from '../../src/platform/typeid.ts';
import { graphql } from '../generated/gql.ts';
import { aSecuredOwner } from './api-keys.ts';
import { type Receiver, soon, startReceiver } from './webhook-receiver.ts';
import type { Caller, Person, TestApp } from './world.ts';

export const allowLoopback = { WEBHOOK_ALLOW_CIDRS: '127.0.0.0/8' };

export const CreateWebhookEndpoint = graphql(`
  mutation CreateWebhookEndpoint($input: CreateWebhookEndpointInput!) {
    createWebhookEndpoint(input: $input) {
      __typename
      ... on WebhookEndpointSecret {
        secret
        endpoint { id url description eventTypes headerNames status secretHint verifiedAt reverifyBy createdAt organization { id } }
      }
      ... on ValidationFailed { issues { path message } }
      ... on Error { code message }
    }
  }
`);
export const VerifyWebhookEndpoint = graphql(`
  mutation VerifyWebhookEndpoint($id: ID!) {
    verifyWebhookEndpoint(input: { id: $id }) {
      __typename
      ... on WebhookEndpointUpdated { endpoint { id status verifiedAt reverifyBy } }
      ... on VerificationFailed { code reason }
    }
  }
`);
export const RotateWebhookSecret = graphql(`
  mutation RotateWebhookSecret($id: ID!, $overlapHours: Int!) {
    rotateWebhookSecret(input: { id: $id, overlapHours: $overlapHours }) {
      __typename
      ... on WebhookEndpointSecret { secret endpoint { id status secretHint verifiedAt reverifyBy previousSecretExpiresAt } }
      ... on ValidationFailed { issues { path message } }
      ... on Error { code message }
    }
  }
`);
export const SetWebhookEndpointEnabled = graphql(`
  mutation SetWebhookEndpointEnabled($id: ID!, $enabled: Boolean!) {
    setWebhookEndpointEnabled(input: { id: $id, enabled: $enabled }) {
      __typename
      ... on WebhookEndpointUpdated { endpoint { id status } }
      ... on Error { code }
    }
  }
`);
export const UpdateWebhookEndpoint = graphql(`
  mutation UpdateWebhookEndpoint($input: UpdateWebhookEndpointInput!) {
    updateWebhookEndpoint(input: $input) {
      __typename
      ... on WebhookEndpointUpdated { endpoint { id url description eventTypes headerNames status verifiedAt } }
      ... on ValidationFailed { issues { path message } }
    }
  }
`);
export const DeleteWebhookEndpoint = graphql(`
  mutation DeleteWebhookEndpoint($id: ID!) {
    deleteWebhookEndpoint(input: { id: $id }) { __typename ... on WebhookEndpointDeleted { endpointId } }
  }
`);
export const SendTestWebhook = graphql(`
  mutation SendTestWebhook($id: ID!) {
    sendTestWebhook(input: { id: $id }) {
      __typename
      ... on WebhookDeliveryQueued { delivery { id event { id type payload } } }
      ... on Error { code message }
    }
  }
`);
export const RedeliverWebhook = graphql(`
  mutation RedeliverWebhook($id: ID!) {
    redeliverWebhook(input: { id: $id }) {
      __typename
      ... on WebhookDeliveryQueued { delivery { id event { id } } }
      ... on Error { code message }
    }
  }
`);
export const WebhookEndpoint = graphql(`
  query WebhookEndpoint($id: ID!, $status: WebhookDeliveryStatus) {
    node(id: $id) {
      __typename
      ... on WebhookEndpoint {
        id url description status secretHint previousSecretExpiresAt verifiedAt reverifyBy eventTypes
        deliveries(first: 100, status: $status) {
          totalCount
          edges {
            node {
              id status nextAttemptAt
              event { id type payload }
              endpoint { id }
              attempts { number at durationMs statusCode error responseSnippet manual }
            }
          }
        }
      }
    }
  }
`);
const Rename = graphql(`
  mutation RenameForAnEvent($id: ID!, $name: String!) {
    updateOrganization(input: { id: $id, name: $name }) { __typename }
  }
`);

export const uuidOfEndpoint = (id: string) => decodeId('WebhookEndpoint', id) ?? '';

/** An endpoint as its owner knows it. */
export interface AnEndpoint {
  readonly id: string;
  readonly secret: string;
}

/** Makes an endpoint for organization.updated unless other events are named. It has not proved itself. */
export async function anEndpoint(
  owner: Person,
  { url, ...more }: { url: string; eventTypes?: string[]; headers?: { name: string; value: string }[] },
): Promise<AnEndpoint> {
  const input = { organizationId: owner.organizationId, url, eventTypes: ['organization.updated'], ...more };
  const { data, codes } = await owner.send(CreateWebhookEndpoint, { input });
  if (data?.createWebhookEndpoint.__typename !== 'WebhookEndpointSecret')
    throw new Error(`no endpoint: ${codes} ${JSON.stringify(data)}`);
  const { endpoint, secret } = data.createWebhookEndpoint;
  return { id: endpoint.id, secret };
}

/** An owner with a receiver that has proved itself. */
export interface Subscription extends AnEndpoint {
  readonly owner: Person;
  readonly receiver: Receiver;
}

/** Somebody with an endpoint that is enabled, at a receiver of its own unless one is given. */
export async function aSubscription(
  app: TestApp,
  { owner, receiver, ...more }: { owner?: Person; receiver?: Receiver; eventTypes?: string[] } = {},
): Promise<Subscription> {
  const asker = owner ?? (await aSecuredOwner(app));
  const server = receiver ?? (await startReceiver());
  const endpoint = await anEndpoint(asker, { url: server.url, ...more });
  server.secret = endpoint.secret;
  await verified(asker, endpoint.id);
  return { ...endpoint, owner: asker, receiver: server };
}

export async function verified(owner: Caller, id: string): Promise<void> {
  const { data } = await owner.send(VerifyWebhookEndpoint, { id });
  expect(data.verifyWebhookEndpoint).toMatchObject({ __typename: 'WebhookEndpointUpdated' });
}

/** Lets something happen that endpoints can subscribe to: the organization gets another name. */
export async function somethingHappens(owner: Person, name = 'Analytical Engines'): Promise<void> {
  await owner.send(Rename, { id: owner.organizationId, name });
}

/** The endpoint with its deliveries, newest first. */
export async function lookAt(owner: Caller, id: string, status: 'FAILED' | 'PENDING' | null = null) {
  const { data } = await owner.send(WebhookEndpoint, { id, status });
  if (data.node?.__typename !== 'WebhookEndpoint') throw new Error('no endpoint to look at');
  return { ...data.node, deliveries: data.node.deliveries.edges.map(({ node }) => node) };
}

/** The endpoint once all its deliveries stand so. */
export function settled({ owner, id }: { owner: Caller; id: string }, status: string) {
  return vi.waitUntil(async () => {
    const endpoint = await lookAt(owner, id);
    return endpoint.deliveries.every((delivery) => delivery.status === status) && endpoint;
  }, soon);
}
