import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { answer, arrived, isSignedWith, ok, type Receiver, soon } from './support/webhook-receiver.ts';
import {
  allowLoopback,
  anEndpoint,
  aSubscription,
  lookAt,
  RedeliverWebhook,
  SendTestWebhook,
  SetWebhookEndpointEnabled,
  type Subscription,
  settled,
  somethingHappens,
  UpdateWebhookEndpoint,
  uuidOfEndpoint,
} from './support/webhooks.ts';
import { useApp } from './support/world.ts';

const app = useApp({ ...allowLoopback, WEBHOOK_RETRY_SECONDS: '1,1' });
const receivers: Receiver[] = [];
afterAll(() => Promise.all(receivers.map((receiver) => receiver.close())));

async function subscribed(options: Parameters<typeof aSubscription>[1] = {}): Promise<Subscription> {
  const subscription = await aSubscription(app, options);
  receivers.push(subscription.receiver);
  return subscription;
}

describe('sendTestWebhook', () => {
  let subscription: Subscription;
  beforeAll(async () => {
    subscription = await subscribed();
  });

  test('sends a test.ping to this endpoint alone, though it did not subscribe to it', async () => {
    const { owner, id, receiver, secret } = subscription;
    const other = await subscribed({ owner, eventTypes: ['test.ping'] });
    const { data } = await owner.send(SendTestWebhook, { id });
    expect(data.sendTestWebhook).toMatchObject({ delivery: { event: { type: 'test.ping' } } });
    const [received] = await arrived(receiver, 1);
    expect(received && isSignedWith(secret, received) && JSON.parse(received.body)).toMatchObject({
      type: 'test.ping',
      data: { webhookEndpointId: id },
    });
    expect(other.receiver.deliveries).toEqual([]);
  });

  test('is a Conflict for an endpoint that has not proved itself or is off', async () => {
    const { owner, receiver } = subscription;
    const fresh = await anEndpoint(owner, { url: receiver.url });
    await owner.send(SetWebhookEndpointEnabled, { id: fresh.id, enabled: false });
    expect((await owner.send(SendTestWebhook, { id: fresh.id })).data.sendTestWebhook).toMatchObject({
      code: 'CONFLICT',
    });
    expect(await app.platform.db.webhookDelivery.count({ where: { endpointId: uuidOfEndpoint(fresh.id) } })).toBe(0);
  });
});

describe('redeliverWebhook', () => {
  test('takes the place of the retry that waits', async () => {
    const subscription = await subscribed();
    const { owner, receiver, id } = subscription;
    receiver.reply = answer(503, { 'retry-after': '3600' });
    await somethingHappens(owner);
    const waiting = await vi.waitUntil(async () => {
      const [delivery] = (await lookAt(owner, id)).deliveries;
      return delivery?.attempts.length === 1 && delivery;
    }, soon);
    receiver.reply = ok;
    await owner.send(RedeliverWebhook, { id: waiting.id });
    const [done] = (await settled(subscription, 'SUCCEEDED')).deliveries;
    expect([done?.nextAttemptAt, done?.attempts.map(({ manual }) => manual)]).toEqual([null, [false, true]]);
  });

  test('is a Conflict while the delivery is on its way, also for twenty at once, and it goes out once', async () => {
    const subscription = await subscribed();
    const { owner, receiver, id } = subscription;
    const gate = Promise.withResolvers<void>();
    receiver.reply = async (received, response) => {
      await gate.promise;
      await ok(received, response);
    };
    await somethingHappens(owner);
    await arrived(receiver, 1);
    const [delivery] = (await lookAt(owner, id)).deliveries;
    const ask = () => owner.send(RedeliverWebhook, { id: delivery?.id ?? '' });
    const answers = await Promise.all(Array.from({ length: 20 }, ask));
    expect(answers.map(({ data }) => data.redeliverWebhook.__typename)).toEqual(Array(20).fill('Conflict'));
    gate.resolve();
    await settled(subscription, 'SUCCEEDED');
    expect(receiver.deliveries.length).toBe(1);
  });
});

describe('updateWebhookEndpoint', () => {
  test('cancels what waits of a type that is taken out', async () => {
    const { owner, receiver, id } = await subscribed();
    receiver.reply = answer(503, { 'retry-after': '3600' });
    await somethingHappens(owner);
    await vi.waitUntil(async () => (await lookAt(owner, id)).deliveries[0]?.attempts.length === 1, soon);
    await owner.send(UpdateWebhookEndpoint, { input: { id, eventTypes: ['member.joined'] } });
    expect((await lookAt(owner, id)).deliveries[0]?.status).toBe('CANCELED');
  });
});
