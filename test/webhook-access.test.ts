import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeId, encodeId, newId } from '../src/platform/typeid.ts';
import { aKey, aSecuredOwner } from './support/api-keys.ts';
import { aCast, type CallerKind, type Cast } from './support/callers.ts';
import { answer, type Receiver, startReceiver } from './support/webhook-receiver.ts';
import {
  allowLoopback,
  anEndpoint,
  aSubscription,
  CreateWebhookEndpoint,
  DeleteWebhookEndpoint,
  RedeliverWebhook,
  RotateWebhookSecret,
  SendTestWebhook,
  SetWebhookEndpointEnabled,
  settled,
  UpdateWebhookEndpoint,
  uuidOfEndpoint,
  VerifyWebhookEndpoint,
} from './support/webhooks.ts';
import { type Caller, useApp } from './support/world.ts';

const app = useApp(allowLoopback);
let receiver: Receiver;
beforeAll(async () => {
  receiver = await startReceiver();
});
afterAll(() => receiver.close());

const form = (organizationId: string, more: object = {}) => ({
  input: { organizationId, url: receiver.url, eventTypes: ['member.joined'], ...more },
});
const unknown = 'whe_01h455vb4pex5vsknk084sn02q';

describe('who may', () => {
  let cast: Cast;
  let id: string;
  let deliveryId: string;
  beforeAll(async () => {
    cast = await aCast(app);
    const organizationId = decodeId('Organization', cast.organizationId) ?? '';
    // The one who has a second factor here.
    const secured = await aSecuredOwner(app);
    const userId = decodeId('User', secured.id) ?? '';
    await app.platform.db.membership.create({
      data: { id: newId(), organizationId, userId, role: 'ADMIN', joinedAt: new Date() },
    });
    receiver.reply = answer(200);
    const owner = { ...secured, organizationId: cast.organizationId };
    const subscription = await aSubscription(app, { owner, receiver });
    await owner.send(SendTestWebhook, { id: subscription.id });
    await settled({ owner, id: subscription.id }, 'SUCCEEDED');
    id = subscription.id;
    const delivery = await app.platform.db.webhookDelivery.findFirstOrThrow({
      where: { endpointId: uuidOfEndpoint(id) },
    });
    deliveryId = encodeId('WebhookDelivery', delivery.id);
  });

  const mutations: readonly [string, (caller: Caller) => Promise<{ codes: string[] }>][] = [
    ['createWebhookEndpoint', (caller) => caller.send(CreateWebhookEndpoint, form(cast.organizationId))],
    ['updateWebhookEndpoint', (caller) => caller.send(UpdateWebhookEndpoint, { input: { id, description: 'mine' } })],
    ['verifyWebhookEndpoint', (caller) => caller.send(VerifyWebhookEndpoint, { id })],
    ['rotateWebhookSecret', (caller) => caller.send(RotateWebhookSecret, { id, overlapHours: 0 })],
    ['setWebhookEndpointEnabled', (caller) => caller.send(SetWebhookEndpointEnabled, { id, enabled: false })],
    ['deleteWebhookEndpoint', (caller) => caller.send(DeleteWebhookEndpoint, { id })],
    ['sendTestWebhook', (caller) => caller.send(SendTestWebhook, { id })],
    ['redeliverWebhook', (caller) => caller.send(RedeliverWebhook, { id: deliveryId })],
    [
      'recoverWebhookEndpoint',
      (caller) =>
        caller.send(
          `mutation { recoverWebhookEndpoint(input: { id: "${id}", since: "${new Date().toISOString()}" }) { __typename } }`,
        ),
    ],
  ];

  test.each<[CallerKind, string]>([
    ['anonymous', 'UNAUTHENTICATED'],
    ['outsider', 'NOT_FOUND'],
    ['member', 'FORBIDDEN'],
    ['admin', 'MFA_REQUIRED'],
    ['owner', 'MFA_REQUIRED'],
    ['superuser without second factor', 'NOT_FOUND'],
    ['superuser', 'NOT_FOUND'],
  ])('F18 refuses every change to %s, without a second factor in the organization: %s', async (kind, code) => {
    const before = await rowsOf();
    for (const [name, ask] of mutations) expect((await ask(cast.callers[kind])).codes, name).toEqual([code]);
    expect(await rowsOf()).toEqual(before);
  });

  const rowsOf = async () => [
    await app.platform.db.webhookEndpoint.findMany({ orderBy: { id: 'asc' } }),
    await app.platform.db.webhookDelivery.count(),
    await app.platform.db.auditEntry.count({ where: { action: { startsWith: 'webhook' } } }),
  ];

  test('refuses a foreign endpoint as if it did not exist', async () => {
    const stranger = await aSecuredOwner(app);
    for (const wanted of [id, unknown]) {
      expect((await stranger.send(RotateWebhookSecret, { id: wanted, overlapHours: 0 })).codes).toEqual(['NOT_FOUND']);
      expect((await stranger.send(DeleteWebhookEndpoint, { id: wanted })).codes).toEqual(['NOT_FOUND']);
    }
  });

  test.each<[CallerKind, string[] | null]>([
    ['anonymous', null],
    ['outsider', null],
    ['member', ['FORBIDDEN', 'FORBIDDEN']],
    ['admin', []],
    ['owner', []],
    ['superuser without second factor', null],
    ['superuser', []],
  ])('F08 shows endpoints, events and deliveries to %s: %j', async (kind, refusal) => {
    const caller = cast.callers[kind];
    const { data, codes } = await caller.send<
      { organization: Record<string, { totalCount: number } | null> | null },
      object
    >(
      `{ organization(id: "${cast.organizationId}") { webhookEndpoints { totalCount } webhookEvents { totalCount } } }`,
    );
    if (refusal === null) expect(data.organization).toBeNull();
    else
      expect([codes, data.organization?.webhookEndpoints?.totalCount ?? null]).toEqual([
        refusal,
        refusal.length ? null : 1,
      ]);
    const event = await app.platform.db.webhookEvent.findFirstOrThrow({
      where: { type: 'test.ping', deliveries: { some: { endpointId: uuidOfEndpoint(id) } } },
    });
    for (const nodeId of [id, deliveryId, encodeId('WebhookEvent', event.id)]) {
      const { node } = (await caller.send<{ node: { id: string } | null }, object>(`{ node(id: "${nodeId}") { id } }`))
        .data;
      expect(node?.id ?? null, nodeId).toBe(refusal?.length === 0 ? nodeId : null);
    }
  });

  test('F18 wants a proof of the last ten minutes for what makes a secret, and lets no API key make one', async () => {
    const owner = await aSecuredOwner(app);
    const endpoint = await anEndpoint(owner, { url: receiver.url });
    const key = await aKey(app, owner);
    expect((await key.send(CreateWebhookEndpoint, form(owner.organizationId))).codes).toEqual(['FORBIDDEN']);
    expect((await key.send(RotateWebhookSecret, { id: endpoint.id, overlapHours: 0 })).codes).toEqual(['FORBIDDEN']);
    expect((await key.send(SetWebhookEndpointEnabled, { id: endpoint.id, enabled: true })).codes).toEqual([]);
    const reader = await aKey(app, owner, { scopes: ['organization:read'] });
    expect((await reader.send(`{ node(id: "${endpoint.id}") { id } }`)).data).toEqual({ node: null });
    const authenticatedAt = new Date(Date.now() - 11 * 60_000);
    await app.platform.db.session.updateMany({ where: { user: { email: owner.email } }, data: { authenticatedAt } });
    expect((await owner.send(CreateWebhookEndpoint, form(owner.organizationId))).codes).toEqual([
      'REAUTHENTICATION_REQUIRED',
    ]);
    expect((await owner.send(RotateWebhookSecret, { id: endpoint.id, overlapHours: 0 })).codes).toEqual([
      'REAUTHENTICATION_REQUIRED',
    ]);
  });
});
