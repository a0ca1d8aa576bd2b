import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeId } from '../src/platform/typeid.ts';
import { aSecuredOwner } from './support/api-keys.ts';
import { dumpDatabase } from './support/dump.ts';
import { answer, arrived, isSignedWith, type Receiver, startReceiver } from './support/webhook-receiver.ts';
import {
  allowLoopback,
  anEndpoint,
  aSubscription,
  CreateWebhookEndpoint,
  DeleteWebhookEndpoint,
  lookAt,
  RotateWebhookSecret,
  SendTestWebhook,
  SetWebhookEndpointEnabled,
  somethingHappens,
  UpdateWebhookEndpoint,
  uuidOfEndpoint,
  VerifyWebhookEndpoint,
} from './support/webhooks.ts';
import { type Person, useApp } from './support/world.ts';

const app = useApp(allowLoopback);
let receiver: Receiver;
beforeAll(async () => {
  receiver = await startReceiver();
});
afterAll(() => receiver.close());

const form = (organizationId: string, more: object = {}) => ({
  input: { organizationId, url: receiver.url, eventTypes: ['member.joined'], ...more },
});

describe('createWebhookEndpoint', () => {
  test('F08 shows the secret once, and no other answer has it, nor the database, a job, the audit log or a log line', async () => {
    const owner = await aSecuredOwner(app);
    const { data } = await owner.send(CreateWebhookEndpoint, form(owner.organizationId, { description: ' CRM ' }));
    if (data.createWebhookEndpoint.__typename !== 'WebhookEndpointSecret') throw new Error('no endpoint');
    const { secret, endpoint } = data.createWebhookEndpoint;
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(endpoint).toMatchObject({
      description: 'CRM',
      status: 'PENDING_VERIFICATION',
      verifiedAt: null,
      secretHint: `whsec_…${secret.slice(-4)}`,
      organization: { id: owner.organizationId },
    });
    receiver.secret = secret;
    await owner.send(VerifyWebhookEndpoint, { id: endpoint.id });
    receiver.reply = answer(200, {}, `I hold ${secret}`);
    await owner.send(SendTestWebhook, { id: endpoint.id });
    await arrived(receiver, 1);
    const { data: rotated } = await owner.send(RotateWebhookSecret, { id: endpoint.id, overlapHours: 1 });
    if (rotated.rotateWebhookSecret.__typename !== 'WebhookEndpointSecret') throw new Error('not rotated');
    const second = rotated.rotateWebhookSecret.secret;
    const everything = JSON.stringify([
      await everyAnswerAbout(owner, endpoint.id),
      rotated.rotateWebhookSecret.endpoint,
      await dumpDatabase(app),
      app.logLines,
    ]);
    for (const bare of [secret.slice(6, -1), second.slice(6, -1)]) {
      expect(everything).not.toContain(bare);
      expect(everything).not.toContain(Buffer.from(bare, 'base64').toString('hex'));
    }
  });

  /** All that can be read of an endpoint, and what the other mutations answer. */
  async function everyAnswerAbout(owner: Person, id: string) {
    const all = `{ id url description eventTypes headerNames status secretHint previousSecretExpiresAt verifiedAt reverifyBy createdAt
      deliveries { edges { node { id status event { type payload } attempts { responseSnippet error } } } } }`;
    return Promise.all([
      owner.send(`{ node(id: "${id}") { ... on WebhookEndpoint ${all} } }`),
      owner.send(`{ organization(id: "${owner.organizationId}") {
        webhookEndpoints { edges { node ${all} } } webhookEvents { edges { node { type payload } } }
        auditLog { edges { node { action metadata } } } } }`),
      owner.send(`mutation { updateWebhookEndpoint(input: { id: "${id}", description: "x" }) {
        ... on WebhookEndpointUpdated { endpoint ${all} } } }`),
      owner.send(`mutation { verifyWebhookEndpoint(input: { id: "${id}" }) {
        ... on WebhookEndpointUpdated { endpoint ${all} } ... on VerificationFailed { message reason } } }`),
      owner.send(`mutation { setWebhookEndpointEnabled(input: { id: "${id}", enabled: true }) {
        ... on WebhookEndpointUpdated { endpoint ${all} } } }`),
    ]);
  }

  test.each([
    ['url', { url: 'https://127.0.0.2.example.invalid/' }],
    ['url', { url: 'http://10.0.0.1/' }],
    ['url', { url: 'https://169.254.169.254/latest/meta-data' }],
    ['url', { url: 'ftp://203.0.114.1' }],
    ['url', { url: `https://example.com/${'x'.repeat(2048)}` }],
    ['eventTypes', { eventTypes: [] }],
    ['eventTypes', { eventTypes: ['member.joined', 'member.danced'] }],
    ['description', { description: 'x'.repeat(201) }],
    ['headers', { headers: [{ name: 'Host', value: 'x' }] }],
    ['headers', { headers: [{ name: 'webhook-signature', value: 'x' }] }],
    ['headers', { headers: [{ name: 'Content-Length', value: '1' }] }],
    ['headers', { headers: [{ name: 'x-a', value: 'a\r\nhost: b' }] }],
    ['headers', { headers: [{ name: 'x a', value: 'a' }] }],
    ['headers', { headers: ['a', 'A'].map((name) => ({ name: `x-${name}`, value: '1' })) }],
  ])('says what is wrong with %s in %j', async (field, change) => {
    const owner = await aSecuredOwner(app);
    const { data } = await owner.send(CreateWebhookEndpoint, form(owner.organizationId, change));
    expect(data.createWebhookEndpoint).toMatchObject({
      __typename: 'ValidationFailed',
      issues: [{ path: expect.arrayContaining([field]) }],
    });
    expect(
      (await owner.send(`{ organization(id: "${owner.organizationId}") { webhookEndpoints { totalCount } } }`)).data,
    ).toEqual({
      organization: { webhookEndpoints: { totalCount: 0 } },
    });
  });

  test('makes as many as the plan has, also of twenty at once', async () => {
    const owner = await aSecuredOwner(app);
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => owner.send(CreateWebhookEndpoint, form(owner.organizationId))),
    );
    const kinds = answers.map(({ data }) => data.createWebhookEndpoint.__typename);
    expect(kinds.filter((kind) => kind === 'WebhookEndpointSecret').length).toBe(5);
    expect(kinds.filter((kind) => kind === 'Conflict').length).toBe(15);
    expect(
      await app.platform.db.webhookEndpoint.count({
        where: { organizationId: decodeId('Organization', owner.organizationId) ?? '' },
      }),
    ).toBe(5);
  });

  test('sends its headers along, and shows no more than their names', async () => {
    const own = await startReceiver();
    const owner = await aSecuredOwner(app);
    const headers = [{ name: 'Authorization', value: 'Basic c2VjcmV0' }];
    const endpoint = await anEndpoint(owner, { url: own.url, headers });
    own.secret = endpoint.secret;
    await owner.send(VerifyWebhookEndpoint, { id: endpoint.id });
    await owner.send(SendTestWebhook, { id: endpoint.id });
    const [received] = await arrived(own, 1);
    expect(received?.headers.authorization).toBe('Basic c2VjcmV0');
    expect(await dumpDatabase(app)).not.toContain('c2VjcmV0');
    const { data } = await owner.send(UpdateWebhookEndpoint, { input: { id: endpoint.id, headers: [] } });
    expect(data.updateWebhookEndpoint).toMatchObject({ endpoint: { headerNames: [] } });
    await own.close();
  });
});

describe('an endpoint', () => {
  test('F18 gets nothing before it has proved that it holds its secret, nor what happened before', async () => {
    const own = await startReceiver();
    const owner = await aSecuredOwner(app);
    const endpoint = await anEndpoint(owner, { url: own.url });
    await somethingHappens(owner, 'Too early');
    const failed = await owner.send(VerifyWebhookEndpoint, { id: endpoint.id });
    expect(failed.data.verifyWebhookEndpoint).toMatchObject({
      __typename: 'VerificationFailed',
      code: 'VERIFICATION_FAILED',
    });
    expect((await owner.send(SendTestWebhook, { id: endpoint.id })).data.sendTestWebhook.__typename).toBe('Conflict');
    own.secret = (await anEndpoint(owner, { url: own.url })).secret;
    await owner.send(VerifyWebhookEndpoint, { id: endpoint.id });
    expect((await lookAt(owner, endpoint.id)).status).toBe('PENDING_VERIFICATION');
    own.secret = endpoint.secret;
    const { data } = await owner.send(VerifyWebhookEndpoint, { id: endpoint.id });
    expect(data.verifyWebhookEndpoint).toMatchObject({
      endpoint: { status: 'ENABLED', verifiedAt: expect.any(String) },
    });
    await somethingHappens(owner, 'In time');
    const [received] = await arrived(own, 1);
    expect(received?.body).toContain('In time');
    expect(own.challenges.every((challenge) => /^\{"type":"endpoint.verification"/.test(challenge.body))).toBe(true);
    const last = own.challenges.at(-1);
    expect(last && isSignedWith(endpoint.secret, last)).toBe(true);
    await own.close();
  });

  test('F18 at another URL gets nothing there before that has proved itself, and then what was held', async () => {
    const [old, next] = [await startReceiver(), await startReceiver()];
    const { owner, id, secret } = await aSubscription(app, { receiver: old });
    const { data } = await owner.send(UpdateWebhookEndpoint, { input: { id, url: next.url } });
    expect(data.updateWebhookEndpoint).toMatchObject({
      endpoint: { status: 'PENDING_VERIFICATION', verifiedAt: null },
    });
    await somethingHappens(owner);
    expect((await lookAt(owner, id)).deliveries[0]?.status).toBe('PENDING');
    expect([old.deliveries, next.deliveries]).toEqual([[], []]);
    next.secret = secret;
    await owner.send(VerifyWebhookEndpoint, { id });
    await arrived(next, 1);
    expect(old.deliveries).toEqual([]);
    await Promise.all([old.close(), next.close()]);
  });

  test('that is off gets nothing, what waited is canceled, and on again it goes on without a new proof', async () => {
    const { owner, id, receiver: own } = await aSubscription(app);
    own.reply = answer(503, { 'retry-after': '3600' });
    await somethingHappens(owner);
    await arrived(own, 1);
    await expect.poll(async () => (await lookAt(owner, id)).deliveries[0]?.status).toBe('PENDING');
    await owner.send(SetWebhookEndpointEnabled, { id, enabled: false });
    await somethingHappens(owner, 'Other Engines');
    const off = await lookAt(owner, id);
    expect([off.status, off.deliveries.map(({ status }) => status)]).toEqual(['DISABLED', ['CANCELED']]);
    await owner.send(SetWebhookEndpointEnabled, { id, enabled: true });
    expect((await lookAt(owner, id)).status).toBe('ENABLED');
    await own.close();
  });

  test('is gone with all that was on its way, and with its organization', async () => {
    const { owner, id, receiver: own } = await aSubscription(app);
    await somethingHappens(owner);
    const { data } = await owner.send(DeleteWebhookEndpoint, { id });
    expect(data.deleteWebhookEndpoint).toEqual({ __typename: 'WebhookEndpointDeleted', endpointId: id });
    const kept = await aSubscription(app, { owner, receiver: own });
    await owner.send(`mutation { deleteOrganization(input: { id: "${owner.organizationId}" }) { __typename } }`);
    const ids = [id, kept.id].map(uuidOfEndpoint);
    expect(await app.platform.db.webhookEndpoint.count({ where: { id: { in: ids } } })).toBe(0);
    expect(await app.platform.db.webhookDelivery.count({ where: { endpointId: { in: ids } } })).toBe(0);
    const actions = await app.platform.db.auditEntry.findMany({
      where: { targetId: uuidOfEndpoint(id) },
      orderBy: { sequence: 'asc' },
    });
    // The challenge that was sent at once may have been answered too.
    expect([...new Set(actions.map(({ action }) => action))]).toEqual([
      'webhookEndpoint.created',
      'webhookEndpoint.verified',
      'webhookEndpoint.deleted',
    ]);
    await own.close();
  });
});
