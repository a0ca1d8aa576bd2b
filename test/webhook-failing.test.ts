import { afterAll, describe, expect, test, vi } from 'vitest';
import { systemCtx } from '../src/context.ts';
import { lookAfterWebhooks } from '../src/domains/webhooks/upkeep.service.ts';
import { decodeId } from '../src/platform/typeid.ts';
import { graphql } from './generated/gql.ts';
import { answer, arrived, ok, type Receiver, soon } from './support/webhook-receiver.ts';
import {
  allowLoopback,
  aSubscription,
  lookAt,
  SetWebhookEndpointEnabled,
  type Subscription,
  settled,
  somethingHappens,
  uuidOfEndpoint,
} from './support/webhooks.ts';
import { aMemberOf, type Person, useApp } from './support/world.ts';

// Each failed delivery is tried once.
const app = useApp({ ...allowLoopback, WEBHOOK_RETRY_SECONDS: ',' });
const receivers: Receiver[] = [];
afterAll(() => Promise.all(receivers.map((receiver) => receiver.close())));

const RecoverWebhookEndpoint = graphql(`
  mutation RecoverWebhookEndpoint($id: ID!, $since: DateTime!) {
    recoverWebhookEndpoint(input: { id: $id, since: $since }) {
      __typename
      ... on WebhookDeliveriesRecovered { count endpoint { id } }
      ... on ValidationFailed { issues { path } }
      ... on Error { code }
    }
  }
`);

async function subscribed(options: Parameters<typeof aSubscription>[1] = {}): Promise<Subscription> {
  const subscription = await aSubscription(app, options);
  receivers.push(subscription.receiver);
  return subscription;
}

const hours = (count: number) => new Date(Date.now() - count * 3_600_000);
const isFailing = async (id: string) =>
  (await app.platform.db.webhookEndpoint.findUniqueOrThrow({ where: { id: uuidOfEndpoint(id) } })).failingSince;

/** As if it had failed for so long. */
async function failingFor(id: string, count: number) {
  await app.platform.db.webhookEndpoint.update({
    where: { id: uuidOfEndpoint(id) },
    data: { failingSince: hours(count) },
  });
}

async function failsOnce({ owner, id }: Subscription, name: string) {
  await somethingHappens(owner, name);
  await vi.waitUntil(async () => {
    const { deliveries } = await lookAt(owner, id);
    return deliveries.every(({ status }) => status === 'FAILED');
  }, soon);
}

const told = async ({ id }: Person, type: string) =>
  (await app.platform.db.notification.findMany({ where: { userId: decodeId('User', id) ?? '', type } })).map(
    ({ data }) => data,
  );

describe('an endpoint that only fails', () => {
  test('is warned of at two and a half days, once, and disabled after five; one success makes it good', async () => {
    const subscription = await subscribed();
    const { owner, receiver, id } = subscription;
    const witness = await subscribed({ owner, eventTypes: ['webhookEndpoint.disabled'] });
    receiver.reply = answer(500);
    await failsOnce(subscription, 'One');
    expect(await isFailing(id)).not.toBeNull();
    await failingFor(id, 59);
    await failsOnce(subscription, 'Two');
    expect(await told(owner, 'webhookEndpoint.failing')).toEqual([]);
    await failingFor(id, 61);
    await failsOnce(subscription, 'Three');
    await failsOnce(subscription, 'Four');
    expect(await told(owner, 'webhookEndpoint.failing')).toMatchObject([{ webhookEndpointId: uuidOfEndpoint(id) }]);
    await failingFor(id, 119);
    await failsOnce(subscription, 'Five');
    expect((await lookAt(owner, id)).status).toBe('ENABLED');
    await failingFor(id, 121);
    await failsOnce(subscription, 'Six');
    expect((await lookAt(owner, id)).status).toBe('DISABLED');
    expect(await told(owner, 'webhookEndpoint.disabled')).toMatchObject([{ reason: 'failing' }]);
    const [event] = await arrived(witness.receiver, 1);
    expect(JSON.parse(event?.body ?? '{}')).toMatchObject({ data: { webhookEndpointId: id, reason: 'failing' } });

    receiver.reply = ok;
    await owner.send(SetWebhookEndpointEnabled, { id, enabled: true });
    expect(await isFailing(id)).toBeNull();
    await failingFor(id, 121);
    await somethingHappens(owner, 'Seven');
    await vi.waitUntil(async () => (await lookAt(owner, id)).deliveries[0]?.status === 'SUCCEEDED', soon);
    expect(await isFailing(id)).toBeNull();
  });
});

describe('recoverWebhookEndpoint', () => {
  test('sends what failed or was canceled since a moment again, the oldest first, and leaves the rest', async () => {
    const subscription = await subscribed();
    const { owner, receiver, id } = subscription;
    receiver.reply = answer(500);
    await failsOnce(subscription, 'Long ago');
    const long = (await lookAt(owner, id)).deliveries[0]?.id ?? '';
    await app.platform.db.webhookDelivery.update({
      where: { id: decodeId('WebhookDelivery', long) ?? '' },
      data: { createdAt: hours(20) },
    });
    for (const name of ['One', 'Two', 'Three']) await failsOnce(subscription, name);
    receiver.reply = ok;
    const before = receiver.deliveries.length;
    const since = hours(10).toISOString();
    const { data } = await owner.send(RecoverWebhookEndpoint, { id, since });
    expect(data.recoverWebhookEndpoint).toMatchObject({ count: 3, endpoint: { id } });
    const all = await arrived(receiver, before + 3);
    expect(all.slice(before).map(({ body }) => JSON.parse(body).data.name)).toEqual(['One', 'Two', 'Three']);
    await vi.waitUntil(
      async () => (await lookAt(owner, id)).deliveries.filter(({ status }) => status === 'SUCCEEDED').length === 3,
      soon,
    );
    expect((await lookAt(owner, id, 'FAILED')).deliveries.map((delivery) => delivery.id)).toEqual([long]);
  });

  test('takes a moment of the last 14 days, and an endpoint that is enabled', async () => {
    const { owner, id } = await subscribed();
    const ask = async (since: Date) =>
      (await owner.send(RecoverWebhookEndpoint, { id, since: since.toISOString() })).data.recoverWebhookEndpoint;
    expect(await ask(hours(14 * 24 + 1))).toMatchObject({ issues: [{ path: ['since'] }] });
    expect(await ask(hours(-1))).toMatchObject({ issues: [{ path: ['since'] }] });
    await owner.send(SetWebhookEndpointEnabled, { id, enabled: false });
    expect(await ask(hours(1))).toMatchObject({ code: 'CONFLICT' });
  });
});

describe('events', () => {
  test('go after 30 days, with what was delivered of them', async () => {
    const subscription = await subscribed();
    const { owner, id } = subscription;
    await somethingHappens(owner, 'Old');
    await settled(subscription, 'SUCCEEDED');
    await app.platform.db.webhookEvent.updateMany({
      where: { organizationId: decodeId('Organization', owner.organizationId) ?? '' },
      data: { createdAt: hours(30 * 24 + 1) },
    });
    await somethingHappens(owner, 'New');
    await lookAfterWebhooks(systemCtx(app.platform));
    const { deliveries } = await lookAt(owner, id);
    expect(deliveries.map(({ event }) => JSON.stringify(event.payload).includes('New'))).toEqual([true]);
  });

  test('are written for both of whom ownership passes', async () => {
    const { owner, receiver } = await subscribed({ eventTypes: ['member.roleChanged'] });
    const heir = await aMemberOf(app, owner);
    await owner.send(
      `mutation { transferOwnership(input: { organizationId: "${owner.organizationId}", toUserId: "${heir.id}" }) { __typename } }`,
    );
    const changes = (await arrived(receiver, 2)).map(({ body }) => JSON.parse(body).data);
    expect(changes.map(({ userId, from, to }) => [userId, from, to]).sort()).toEqual(
      [
        [owner.id, 'OWNER', 'ADMIN'],
        [heir.id, 'MEMBER', 'OWNER'],
      ].sort(),
    );
  });
});
