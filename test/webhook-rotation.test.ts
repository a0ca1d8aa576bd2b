import { afterAll, describe, expect, test, vi } from 'vitest';
import { systemCtx } from '../src/context.ts';
import { lookAfterWebhooks } from '../src/domains/webhooks/upkeep.service.ts';
import { decodeId } from '../src/platform/typeid.ts';
import { arrived, isSignedWith, type Receiver, soon } from './support/webhook-receiver.ts';
import {
  allowLoopback,
  aSubscription,
  lookAt,
  RotateWebhookSecret,
  SetWebhookEndpointEnabled,
  type Subscription,
  settled,
  somethingHappens,
  uuidOfEndpoint,
  verified,
} from './support/webhooks.ts';
import { aMemberOf, useApp } from './support/world.ts';

const app = useApp(allowLoopback);
const receivers: Receiver[] = [];
afterAll(() => Promise.all(receivers.map((receiver) => receiver.close())));

async function subscribed(): Promise<Subscription> {
  const subscription = await aSubscription(app);
  receivers.push(subscription.receiver);
  return subscription;
}

async function rotate({ owner, id }: Subscription, overlapHours: number) {
  const { data } = await owner.send(RotateWebhookSecret, { id, overlapHours });
  if (data.rotateWebhookSecret.__typename !== 'WebhookEndpointSecret') throw new Error(JSON.stringify(data));
  return data.rotateWebhookSecret;
}

/** Lets the overlap be over: as if its hours had gone by. */
async function overlapEnds(id: string) {
  const past = new Date(Date.now() - 1000);
  await app.platform.db.webhookEndpoint.update({
    where: { id: uuidOfEndpoint(id) },
    data: { previousSecretExpiresAt: past },
  });
  await app.platform.db.webhookEndpoint.updateMany({
    where: { id: uuidOfEndpoint(id), reverifyBy: { not: null } },
    data: { reverifyBy: past },
  });
}

const lookAfter = () => lookAfterWebhooks(systemCtx(app.platform));

describe('rotateWebhookSecret', () => {
  test('F18 signs with both secrets during the overlap, the newest first, and with the new one alone after it', async () => {
    const subscription = await subscribed();
    const { owner, receiver, id, secret: old } = subscription;
    await somethingHappens(owner, 'Before');
    await arrived(receiver, 1);
    const { secret, endpoint } = await rotate(subscription, 24);
    expect(secret).not.toBe(old);
    expect(endpoint).toMatchObject({ status: 'ENABLED', verifiedAt: null, secretHint: `whsec_…${secret.slice(-4)}` });
    expect(endpoint.reverifyBy).toBe(endpoint.previousSecretExpiresAt);
    expect(Math.abs(Date.parse(endpoint.reverifyBy ?? '') - Date.now() - 24 * 3_600_000)).toBeLessThan(60_000);
    await somethingHappens(owner, 'During');
    await arrived(receiver, 2);
    receiver.secret = secret;
    await verified(owner, id);
    await overlapEnds(id);
    await somethingHappens(owner, 'After');
    const [before, during, after] = await arrived(receiver, 3);
    if (!before || !during || !after) throw new Error('not all came');
    const verdicts = [before, during, after].map((received) => [
      isSignedWith(old, received),
      isSignedWith(secret, received),
    ]);
    expect(verdicts).toEqual([
      [true, false],
      [true, true],
      [false, true],
    ]);
    const [first] = String(during.headers['webhook-signature']).split(' ');
    expect(isSignedWith(secret, { ...during, headers: { ...during.headers, 'webhook-signature': first } })).toBe(true);
  });

  test('F18 asks the receiver at once, with the new secret alone, to prove that it holds it', async () => {
    const subscription = await subscribed();
    const { receiver, secret: old, owner, id } = subscription;
    const asked = receiver.challenges.length;
    const { secret } = await rotate(subscription, 24);
    await vi.waitUntil(() => receiver.challenges.length > asked, soon);
    const challenge = receiver.challenges.at(-1);
    expect(challenge && [isSignedWith(old, challenge), isSignedWith(secret, challenge)]).toEqual([false, true]);
    // A receiver with the old secret proves nothing.
    const { verifiedAt, reverifyBy } = await lookAt(owner, id);
    expect([verifiedAt, reverifyBy === null]).toEqual([null, false]);
  });

  test('F18 pauses at the end of the overlap whoever has not proved it: deliveries are held and people told; proved, they go out', async () => {
    const subscription = await subscribed();
    const { owner, receiver, id } = subscription;
    const admin = await aMemberOf(app, owner, { role: 'ADMIN' });
    const { secret } = await rotate(subscription, 1);
    await overlapEnds(id);
    expect((await lookAt(owner, id)).status).toBe('PAUSED');
    await somethingHappens(owner);
    await Promise.all([lookAfter(), lookAfter()]);
    const held = await lookAt(owner, id);
    expect([held.status, held.deliveries[0]?.status, held.previousSecretExpiresAt]).toEqual([
      'PAUSED',
      'PENDING',
      null,
    ]);
    expect(receiver.deliveries).toEqual([]);
    for (const person of [owner, admin]) {
      const notes = await app.platform.db.notification.findMany({
        where: { userId: decodeId('User', person.id) ?? '', type: 'webhookEndpoint.failing' },
      });
      expect(notes.map(({ data }) => data)).toMatchObject([
        { webhookEndpointId: uuidOfEndpoint(id), reason: 'unverified' },
      ]);
    }
    await owner.send(SetWebhookEndpointEnabled, { id, enabled: true });
    expect((await lookAt(owner, id)).status).toBe('PAUSED');
    receiver.secret = secret;
    await verified(owner, id);
    const [received] = await arrived(receiver, 1);
    expect(received && isSignedWith(secret, received)).toBe(true);
    const done = await settled(subscription, 'SUCCEEDED');
    expect([done.status, done.reverifyBy]).toEqual(['ENABLED', null]);
    const actions = await app.platform.db.auditEntry.findMany({
      where: { targetId: uuidOfEndpoint(id) },
      orderBy: { sequence: 'asc' },
    });
    expect([...new Set(actions.map(({ action }) => action))]).toEqual([
      'webhookEndpoint.created',
      'webhookEndpoint.verified',
      'webhookEndpoint.secretRotated',
      'webhookEndpoint.paused',
    ]);
  });

  test('F18 holds deliveries from the very end of the overlap on, before anybody has looked', async () => {
    const subscription = await subscribed();
    const { owner, receiver, id } = subscription;
    await rotate(subscription, 1);
    await overlapEnds(id);
    await somethingHappens(owner);
    const other = await subscribed();
    await somethingHappens(other.owner);
    await settled(other, 'SUCCEEDED');
    expect(receiver.deliveries).toEqual([]);
  });

  test('F18 without an overlap ends the old secret now: nothing is sent before the new one is proved', async () => {
    const subscription = await subscribed();
    const { owner, receiver, id, secret: old } = subscription;
    const { secret, endpoint } = await rotate(subscription, 0);
    expect(endpoint).toMatchObject({ status: 'PAUSED', previousSecretExpiresAt: null });
    await somethingHappens(owner);
    receiver.secret = secret;
    await verified(owner, id);
    const [received] = await arrived(receiver, 1);
    expect(received && [isSignedWith(old, received), isSignedWith(secret, received)]).toEqual([false, true]);
  });

  test('F18 is a Conflict within an overlap, also of twenty at once, and refuses a strange overlap', async () => {
    const subscription = await subscribed();
    const { owner, id } = subscription;
    for (const overlapHours of [-1, 169]) {
      expect((await owner.send(RotateWebhookSecret, { id, overlapHours })).data.rotateWebhookSecret).toMatchObject({
        issues: [{ path: ['overlapHours'] }],
      });
    }
    const ask = () => owner.send(RotateWebhookSecret, { id, overlapHours: 24 });
    const answers = await Promise.all(Array.from({ length: 20 }, ask));
    const kinds = answers.map(({ data }) => data.rotateWebhookSecret.__typename);
    expect(kinds.sort()).toEqual([...Array(19).fill('Conflict'), 'WebhookEndpointSecret']);
    expect(
      await app.platform.db.auditEntry.count({
        where: { targetId: uuidOfEndpoint(id), action: 'webhookEndpoint.secretRotated' },
      }),
    ).toBe(1);
  });

  test('F18 takes no proof for a secret that was replaced while the receiver thought', async () => {
    const subscription = await subscribed();
    const { owner, id, receiver } = subscription;
    const { secret } = await rotate(subscription, 24);
    await app.platform.db.webhookEndpoint.update({
      where: { id: uuidOfEndpoint(id) },
      data: { previousSecretExpiresAt: null, previousSecret: null },
    });
    receiver.secret = secret;
    const gate = Promise.withResolvers<void>();
    receiver.beforeAnswer = () => gate.promise;
    const asked = receiver.challenges.length;
    const proof = owner.send(`mutation { verifyWebhookEndpoint(input: { id: "${id}" }) { __typename } }`);
    await vi.waitUntil(() => receiver.challenges.length > asked, soon);
    await rotate(subscription, 24);
    gate.resolve();
    expect((await proof).data).toEqual({ verifyWebhookEndpoint: { __typename: 'VerificationFailed' } });
    expect((await lookAt(owner, id)).verifiedAt).toBeNull();
  });
});
