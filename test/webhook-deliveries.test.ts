import { afterAll, describe, expect, test, vi } from 'vitest';
import { eventCatalog, eventTypes } from '../src/domains/events/event-catalog.ts';
import { eventExamples } from '../src/domains/events/event-examples.ts';
import { signedHeaders } from '../src/domains/webhooks/webhook-secret.ts';
import { decodeId } from '../src/platform/typeid.ts';
import { aSecuredOwner } from './support/api-keys.ts';
import { answer, arrived, isSignedWith, ok, type Receiver, soon, startReceiver } from './support/webhook-receiver.ts';
import {
  allowLoopback,
  aSubscription,
  lookAt,
  RedeliverWebhook,
  type Subscription,
  settled,
  somethingHappens,
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

describe('a signature', () => {
  test('is the one that Standard Webhooks publishes', () => {
    const message = {
      id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      sentAt: new Date(1_614_265_330_000),
      body: '{"test": 2432232314}',
    };
    expect(signedHeaders(['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'], message)).toEqual({
      'webhook-id': message.id,
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    });
  });
});

describe('the catalog', () => {
  test('has an example of each event, which fits', () => {
    for (const type of eventTypes)
      expect(eventCatalog[type].safeParse(eventExamples[type].data).success, type).toBe(true);
  });

  test('is what webhookEventTypes lists', async () => {
    const { data } = await (await aSecuredOwner(app)).send('{ webhookEventTypes }');
    expect(data).toEqual({ webhookEventTypes: eventTypes });
  });
});

describe('a delivery', () => {
  test('carries the bytes that are signed and shown, and is verified by both libraries of receivers', async () => {
    const subscription = await subscribed();
    const { owner, receiver, secret } = subscription;
    await somethingHappens(owner, 'Grüße & "Zitate"');
    const [received] = await arrived(receiver, 1);
    if (!received) throw new Error('nothing came');
    expect(isSignedWith(secret, received)).toBe(true);
    expect(isSignedWith(secret, { ...received, body: `${received.body} ` })).toBe(false);
    const endpoint = await settled(subscription, 'SUCCEEDED');
    const [delivery] = endpoint.deliveries;
    expect(JSON.stringify(delivery?.event.payload)).toBe(received.body);
    expect(received.id).toBe(delivery?.event.id);
    expect(JSON.parse(received.body)).toEqual({
      type: 'organization.updated',
      timestamp: expect.stringMatching(/Z$/),
      data: { organizationId: owner.organizationId, name: 'Grüße & "Zitate"', slug: expect.any(String) },
    });
    expect(received.headers).toMatchObject({ 'content-type': 'application/json', 'user-agent': 'Gatehouse-Webhooks' });
    expect(delivery?.attempts).toEqual([
      {
        number: 1,
        at: expect.any(String),
        durationMs: expect.any(Number),
        statusCode: 200,
        error: null,
        responseSnippet: 'thanks',
        manual: false,
      },
    ]);
  });

  test('goes to the endpoints of its organization that want it, and to no other', async () => {
    const one = await subscribed();
    const other = await subscribed({ owner: one.owner, eventTypes: ['member.joined'] });
    const stranger = await subscribed();
    await somethingHappens(one.owner);
    await arrived(one.receiver, 1);
    await settled(one, 'SUCCEEDED');
    expect([other.receiver.deliveries, stranger.receiver.deliveries]).toEqual([[], []]);
    expect(await app.platform.db.webhookDelivery.count({ where: { endpointId: uuidOfEndpoint(other.id) } })).toBe(0);
  });

  test('is not written when its change is not', async () => {
    const { owner, id } = await subscribed();
    const refused = await owner.send(
      `mutation { updateOrganization(input: { id: "${owner.organizationId}", name: "New", slug: "admin" }) { __typename } }`,
    );
    expect(refused.data).toEqual({ updateOrganization: { __typename: 'ValidationFailed' } });
    expect((await lookAt(owner, id)).deliveries).toEqual([]);
  });

  test('is tried again under the same id until it arrives, and each try is in the log', async () => {
    const subscription = await subscribed();
    const { receiver, owner, secret } = subscription;
    receiver.reply = (received, response) =>
      receiver.deliveries.length < 3 ? answer(500, {}, 'oh \0 no')(received, response) : ok(received, response);
    await somethingHappens(owner);
    const received = await arrived(receiver, 3);
    expect(new Set(received.map(({ id }) => id)).size).toBe(1);
    expect(new Set(received.map(({ body }) => body)).size).toBe(1);
    expect(received.every((request) => isSignedWith(secret, request))).toBe(true);
    const { deliveries } = await settled(subscription, 'SUCCEEDED');
    expect(deliveries[0]?.attempts.map(({ number, statusCode, error }) => [number, statusCode, error])).toEqual([
      [1, 500, 'HTTP_STATUS'],
      [2, 500, 'HTTP_STATUS'],
      [3, 200, null],
    ]);
    expect(deliveries[0]?.attempts[0]?.responseSnippet).toBe('oh \uFFFD no');
  });

  test('that is used up stays visible and can be sent again, as a try by hand under its id', async () => {
    const subscription = await subscribed();
    const { receiver, owner, id } = subscription;
    receiver.reply = answer(503);
    await somethingHappens(owner);
    const failed = (await settled(subscription, 'FAILED')).deliveries[0];
    expect([failed?.attempts.length, failed?.nextAttemptAt]).toEqual([3, null]);
    expect((await lookAt(owner, id, 'FAILED')).deliveries.length).toBe(1);
    expect((await lookAt(owner, id, 'PENDING')).deliveries.length).toBe(0);
    receiver.reply = ok;
    const { data } = await owner.send(RedeliverWebhook, { id: failed?.id ?? '' });
    expect(data.redeliverWebhook).toMatchObject({ delivery: { id: failed?.id, event: { id: failed?.event.id } } });
    const [again] = (await settled(subscription, 'SUCCEEDED')).deliveries;
    expect(again?.attempts.map(({ number, manual }) => [number, manual])).toEqual([
      [1, false],
      [2, false],
      [3, false],
      [4, true],
    ]);
    expect(new Set(receiver.deliveries.map(({ id }) => id))).toEqual(new Set([failed?.event.id]));
    const audit = await app.platform.db.auditEntry.findFirst({
      where: { targetId: decodeId('WebhookDelivery', failed?.id ?? '') ?? '' },
    });
    expect(audit).toMatchObject({ action: 'webhookDelivery.requeued' });
  });

  test('keeps the first 16 KiB of an endless answer, without a secret that was echoed', async () => {
    const subscription = await subscribed();
    const { receiver, owner, secret } = subscription;
    receiver.reply = (_received, response) => {
      response.write(`you are ${secret}, `);
      const chunk = Buffer.alloc(8192, 'x');
      const more = () => {
        while (!response.destroyed && response.write(chunk));
        if (!response.destroyed) response.once('drain', more);
      };
      more();
    };
    await somethingHappens(owner);
    const { deliveries } = await settled(subscription, 'SUCCEEDED');
    const snippet = deliveries[0]?.attempts[0]?.responseSnippet ?? '';
    expect(snippet.startsWith('you are whsec_…, xxx')).toBe(true);
    expect(snippet.length).toBeGreaterThan(16_000);
    expect(snippet.length).toBeLessThanOrEqual(16_384);
  });

  test.each([301, 302, 303, 307, 308])('does not follow a redirect (%i)', async (status) => {
    const subscription = await subscribed();
    const { receiver, owner } = subscription;
    const elsewhere = await startReceiver();
    receivers.push(elsewhere);
    receiver.reply = answer(status, { location: elsewhere.url });
    await somethingHappens(owner);
    await arrived(receiver, 1);
    const attempt = await vi.waitUntil(
      async () => (await lookAt(owner, subscription.id)).deliveries[0]?.attempts[0],
      soon,
    );
    expect(attempt).toMatchObject({ statusCode: status, error: 'REDIRECT' });
    expect(elsewhere.deliveries).toEqual([]);
  });

  test('waits as long as Retry-After says, in seconds or as a date', async () => {
    for (const retryAfter of ['3600', new Date(Date.now() + 3_600_000).toUTCString()]) {
      const subscription = await subscribed();
      subscription.receiver.reply = answer(429, { 'retry-after': retryAfter });
      await somethingHappens(subscription.owner);
      const next = await vi.waitUntil(async () => {
        const [delivery] = (await lookAt(subscription.owner, subscription.id)).deliveries;
        return delivery?.attempts.length === 1 && delivery.nextAttemptAt;
      }, soon);
      const seconds = (Date.parse(next) - Date.now()) / 1000;
      expect(seconds).toBeGreaterThan(3_500);
      expect(seconds).toBeLessThan(3_601);
    }
  });

  test('to one that says 410 ends there: the endpoint is disabled, what waits is canceled, others are told', async () => {
    const subscription = await subscribed();
    const { receiver, owner, id } = subscription;
    const witness = await subscribed({ owner, eventTypes: ['webhookEndpoint.disabled'] });
    receiver.reply = answer(410);
    await somethingHappens(owner);
    const [told] = await arrived(witness.receiver, 1);
    expect(JSON.parse(told?.body ?? '{}')).toMatchObject({ data: { webhookEndpointId: id, reason: 'gone' } });
    const endpoint = await lookAt(owner, id);
    expect([endpoint.status, endpoint.deliveries[0]?.status]).toEqual(['DISABLED', 'FAILED']);
    await somethingHappens(owner, 'Other Engines');
    expect((await lookAt(owner, id)).deliveries.length).toBe(1);
    const notes = await app.platform.db.notification.findMany({ where: { type: 'webhookEndpoint.disabled' } });
    expect(notes.filter(({ userId }) => userId === decodeId('User', owner.id)).length).toBe(1);
  });
});

describe('a lease', () => {
  test('that has run out lets another one send, and the first one’s word counts no more', async () => {
    const subscription = await subscribed();
    const { owner, receiver, id } = subscription;
    const gate = Promise.withResolvers<void>();
    receiver.reply = async (received, response) => {
      if (receiver.deliveries.length > 1) return ok(received, response);
      await gate.promise;
      await answer(500)(received, response);
    };
    await somethingHappens(owner);
    await arrived(receiver, 1);
    await app.platform.db.webhookDelivery.updateMany({
      where: { endpointId: uuidOfEndpoint(id), status: 'SENDING' },
      data: { dueAt: new Date(Date.now() - 1) },
    });
    const [first, second] = await arrived(receiver, 2);
    expect(second?.id).toBe(first?.id);
    await settled(subscription, 'SUCCEEDED');
    gate.resolve();
    await vi.waitUntil(() => app.platform.courier.underWay.size === 0, soon);
    const [delivery] = (await lookAt(owner, id)).deliveries;
    expect([delivery?.status, delivery?.attempts.map(({ number }) => number)]).toEqual(['SUCCEEDED', [2]]);
  });
});

describe('an endpoint that is slow', () => {
  test('has two deliveries under way and no more, and keeps nobody else waiting', async () => {
    const slow = await subscribed();
    const quick = await subscribed();
    let [underWay, most] = [0, 0];
    const gate = Promise.withResolvers<void>();
    slow.receiver.reply = async (received, response) => {
      underWay += 1;
      most = Math.max(most, underWay);
      await gate.promise;
      underWay -= 1;
      await ok(received, response);
    };
    for (let i = 0; i < 8; i += 1) await somethingHappens(slow.owner, `Name ${i}`);
    await arrived(slow.receiver, 2);
    await somethingHappens(quick.owner);
    await settled(quick, 'SUCCEEDED');
    expect([underWay, slow.receiver.deliveries.length]).toEqual([2, 2]);
    gate.resolve();
    await settled(slow, 'SUCCEEDED');
    expect([most, slow.receiver.deliveries.length]).toEqual([2, 8]);
  });
});
