import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chargeCall, settleAll } from '../src/domains/quotas/call-leases.service.ts';
import { idOf } from '../src/graphql/ids.ts';
import { createCallLeases } from '../src/platform/call-leases.ts';
import { nilId } from '../src/platform/typeid.ts';
import { graphql } from './generated/gql.ts';
import { aKey, aSecuredOwner } from './support/api-keys.ts';
import { ACall, CallsOf, callsAtOnce, capCalls, daysAround, UsageOf } from './support/calls.ts';
import { connected } from './support/raw-socket.ts';
import {
  aMemberOf,
  aPerson,
  callerWith,
  Login,
  type Person,
  password,
  startTestApp,
  type TestApp,
  useApp,
} from './support/world.ts';

const app = useApp();
let second: TestApp;
beforeAll(async () => {
  second = await startTestApp({ DATA_DIR: app.platform.config.dataDir }, { beside: app });
});
afterAll(() => second.close());

const FreeData = graphql(`
  query FreeData($id: ID!) {
    viewer { email memberships { edges { node { role organization { id name } } } } sessions { id } }
    plans { id }
    organization(id: $id) { name viewerRole quotas { remaining } billing { status } }
  }
`);

const MembersByTheBackDoor = graphql(`
  query MembersByTheBackDoor { viewer { activeOrganization { ...People } } }
  fragment People on Organization { members { totalCount } }
`);

const KeysOf = graphql(`
  query KeysOf($id: ID!) { organization(id: $id) { apiKeys { edges { node { id } } } } }
`);

const RevokeStolenKey = graphql(`
  mutation RevokeStolenKey($id: ID!) { revokeApiKey(input: { id: $id }) { __typename } }
`);

const usedUp = (limit: number) => ({
  code: 'QUOTA_EXCEEDED',
  resource: 'API_CALLS',
  limit,
  used: limit,
  resetsAt: expect.stringMatching(/^\d{4}-\d\d-01T00:00:00.000Z$/),
});

const usedBy = async (person: Person) => {
  const { data } = await person.send(CallsOf, { id: person.organizationId });
  return data.organization?.quota.used;
};

const stream = (person: Person) =>
  fetch(`${app.url}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'text/event-stream',
      authorization: `Bearer ${person.accessToken}`,
    },
    body: JSON.stringify({ query: '{ apiKeyScopes }' }),
  });

describe('API calls', () => {
  test('F29 are charged on every transport, with a key too, and refused with limit, use and reset when used up', async () => {
    const owner = await aSecuredOwner(app);
    const key = await aKey(app, owner);
    const client = await connected(app.url, { authorization: `Bearer ${owner.accessToken}` });
    const overSocket = async () => {
      client.send({ type: 'subscribe', id: 'a', payload: { query: '{ apiKeyScopes }' } });
      return client.next();
    };
    const before = await usedBy(owner);
    await capCalls(owner, Number(before) + 4);
    expect((await owner.send(ACall)).codes).toEqual([]);
    expect((await key.send(ACall)).codes).toEqual([]);
    expect(await (await stream(owner)).text()).toContain('organization:read');
    expect(await overSocket()).toMatchObject({ type: 'next' });
    expect(await client.next()).toMatchObject({ type: 'complete' });

    const refusal = usedUp(Number(before) + 4);
    const refused = await owner.send(ACall);
    expect(refused.errors).toMatchObject([{ extensions: refusal }]);
    expect(refused.data).toBeUndefined();
    expect((await key.send(ACall)).errors).toMatchObject([{ extensions: refusal }]);
    expect(await (await stream(owner)).text()).toContain('QUOTA_EXCEEDED');
    expect(await overSocket()).toMatchObject({ type: 'error', payload: [{ extensions: refusal }] });
    expect(await usedBy(owner)).toBe(Number(before) + 4);
  });

  test('F29 cost nothing for introspection, sign-in, the own account, billing, and what says how much is left', async () => {
    const owner = await aPerson(app);
    await capCalls(owner, 0);
    const free = [
      owner.send(FreeData, { id: owner.organizationId }),
      owner.send('{ __typename __schema { queryType { name } } }'),
      owner.send('mutation { updateProfile(input: { name: "Ada L." }) { __typename } }'),
      owner.send(Login, { input: { email: owner.email, password } }),
      callerWith(app).send(ACall),
    ];
    expect((await Promise.all(free)).map(({ codes }) => codes)).toEqual([[], [], [], [], []]);
    const charged = [owner.send(MembersByTheBackDoor), owner.send('{ viewer { email } apiKeyScopes }')];
    expect((await Promise.all(charged)).map(({ codes }) => codes)).toEqual([['QUOTA_EXCEEDED'], ['QUOTA_EXCEEDED']]);
  });

  test('that a stolen key has used up do not keep it from being revoked', async () => {
    const owner = await aSecuredOwner(app);
    const key = await aKey(app, owner);
    await capCalls(owner, 0);
    const listed = await owner.send(KeysOf, { id: owner.organizationId });
    expect(listed.data.organization?.apiKeys?.edges.map(({ node }) => node.id)).toEqual([key.id]);
    const { data } = await owner.send(RevokeStolenKey, { id: key.id });
    expect(data.revokeApiKey.__typename).toBe('ApiKeyRevoked');
    expect((await key.send(ACall)).codes).toEqual(['UNAUTHENTICATED']);
  });

  test('are told in RateLimit header fields', async () => {
    const owner = await aPerson(app);
    await capCalls(owner, 2);
    const answers = [await owner.send(ACall), await owner.send(ACall), await owner.send(ACall)];
    const told = answers.map(({ headers }) => headers.get('ratelimit')?.replace(/;t=\d+$/, ''));
    expect(told).toEqual(['"calls";r=1', '"calls";r=0', '"calls";r=0']);
    expect(answers.map(({ headers }) => headers.get('ratelimit-policy'))).toEqual(Array(3).fill('"calls";q=2'));
    const seconds = Number(/;t=(\d+)$/.exec(answers[2]?.headers.get('ratelimit') ?? '')?.[1]);
    expect(seconds).toBeGreaterThan(0);
    expect(seconds).toBeLessThanOrEqual(31 * 86_400);
  });

  test('F29 four hundred at once on two programs are granted up to the limit of a hundred and never above', async () => {
    const owner = await aPerson(app);
    await capCalls(owner, 100);
    const outcomes = await callsAtOnce([owner, callerWith(second, owner.accessToken)], 400);
    const granted = outcomes.filter((outcome) => outcome === 'ok').length;
    expect(new Set(outcomes)).toEqual(new Set(['ok', 'QUOTA_EXCEEDED']));
    expect(granted).toBeLessThanOrEqual(100);
    // A chunk of this limit is two calls.
    expect(granted).toBeGreaterThanOrEqual(98);
    await settleAll(second.platform, { giveBack: true });
    expect(await usedBy(owner)).toBe(granted);
  });

  test('F29 twenty programs that come at once for the last ten calls get ten', async () => {
    const owner = await aPerson(app);
    await capCalls(owner, 10);
    const call = {
      organizationId: idOf('Organization', owner.organizationId),
      operation: 'x',
      userId: nilId,
      apiKeyId: nilId,
    };
    const programs = Array.from({ length: 20 }, () => ({ ...app.platform, callLeases: createCallLeases() }));
    const outcomes = await Promise.allSettled(programs.map((program) => chargeCall(program, call)));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(10);
    expect(outcomes.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'QUOTA_EXCEEDED' } });
  });

  test('a limit that is lowered holds from the next call on, and a raised one too', async () => {
    const owner = await aPerson(app);
    await callsAtOnce([owner], 5);
    await capCalls(owner, 5);
    expect(await callsAtOnce([owner], 1)).toEqual(['QUOTA_EXCEEDED']);
    await capCalls(owner, 6);
    expect((await callsAtOnce([owner], 2)).sort()).toEqual(['QUOTA_EXCEEDED', 'ok']);
  });

  test('start again from zero with the month', async () => {
    const owner = await aPerson(app);
    await capCalls(owner, 1);
    expect(await callsAtOnce([owner], 1)).toEqual(['ok']);
    expect(await callsAtOnce([owner], 1)).toEqual(['QUOTA_EXCEEDED']);
    const { data } = await owner.send(CallsOf, { id: owner.organizationId });
    const resetsAt = String(data.organization?.quota.resetsAt);
    const offset = Math.ceil((Date.parse(resetsAt) - Date.now()) / 1000) + 60;
    const later = await startTestApp({ TEST_CLOCK_OFFSET_SECONDS: String(offset) }, { beside: app });
    const again = await callerWith(later).send(Login, { input: { email: owner.email, password } });
    const accessToken = again.data.login.__typename === 'SignedIn' ? again.data.login.accessToken : '';
    expect(await callsAtOnce([callerWith(later, accessToken)], 1)).toEqual(['ok']);
    await later.close();
  });
});

describe('thresholds', () => {
  const Told = graphql(`query Told { viewer { notifications { edges { node { type data } } } } }`);

  test('of 80 and 100 percent are told once in a period, to admins and receivers of events', async () => {
    const owner = await aPerson(app);
    const admin = await aMemberOf(app, owner, { role: 'ADMIN' });
    const member = await aMemberOf(app, owner);
    await settleAll(app.platform, { giveBack: true });
    const spent = Number(await usedBy(owner));
    await capCalls(owner, 20);
    for (let at = spent; at < 20; at += 1) {
      await owner.send(ACall);
      await settleAll(app.platform);
    }
    await callsAtOnce([owner], 5);
    await capCalls(owner, 100);
    const thresholds = async (person: Person) => {
      const { data } = await person.send(Told);
      const nodes = data.viewer?.notifications.edges.map(({ node }) => node) ?? [];
      return nodes.filter(({ type }) => type === 'quota.threshold').map(({ data }) => data);
    };
    const expected = [
      expect.objectContaining({ resource: 'API_CALLS', percent: 100, used: 20, limit: 20 }),
      expect.objectContaining({ resource: 'API_CALLS', percent: 80, used: 16, limit: 20 }),
    ];
    for (const person of [owner, admin]) expect(await thresholds(person)).toEqual(expected);
    expect(await thresholds(member)).toEqual([]);
    const events = await app.platform.db.webhookEvent.findMany({
      where: { type: 'quota.threshold', organizationId: idOf('Organization', owner.organizationId) },
    });
    expect(events.map(({ payload }) => JSON.parse(payload).data.percent).sort()).toEqual([100, 80]);
  });
});

describe('usage', () => {
  test('F31 is told by operation, person, key and day, named by the server, with totals that equal the counter', async () => {
    const owner = await aSecuredOwner(app, 'Olga');
    const key = await aKey(app, owner);
    const member = await aMemberOf(app, owner, { name: 'Mia' });
    for (const caller of [owner, member, member, key]) await caller.send(ACall, {}, { 'x-operation-name': 'made-up' });
    await member.send('query One { a: apiKeyScopes b: apiKeyScopes webhooks: plans { id } }');
    const used = await usedBy(owner);
    const rows = async (by: 'OPERATION' | 'USER' | 'API_KEY' | 'DAY') => {
      const { data } = await owner.send(UsageOf, { id: owner.organizationId, ...daysAround(app), by });
      const usage = data.organization?.usage ?? [];
      expect(usage.reduce((sum, { quantity }) => sum + Number(quantity), 0)).toBe(used);
      return usage.map(({ key, label, quantity }) => ({ key, label, quantity }));
    };
    expect(await rows('OPERATION')).toContainEqual({ key: 'apiKeyScopes', label: 'apiKeyScopes', quantity: 5 });
    expect(await rows('USER')).toContainEqual({ key: member.id, label: 'Mia', quantity: 3 });
    expect(await rows('API_KEY')).toContainEqual({ key: key.id, label: 'Nightly export', quantity: 1 });
    expect(await rows('DAY')).toHaveLength(1);
    const operations = await app.platform.db.usageRollup.groupBy({ by: ['operation'] });
    expect(operations.map(({ operation }) => operation)).not.toContain('SomeNameOfTheClient');
  });

  test('F31 is told up to the last call, before the server has written it down by itself', async () => {
    const owner = await aPerson(app);
    for (const quantity of [1, 2, 3]) {
      await owner.send(ACall);
      const { data } = await owner.send(UsageOf, { id: owner.organizationId, ...daysAround(app), by: 'OPERATION' });
      expect(data.organization?.usage).toMatchObject([{ key: 'apiKeyScopes', quantity }]);
    }
  });

  test('F31 stays in memory and is told with the next try when the database was away', async () => {
    const owner = await aPerson(app);
    await callsAtOnce([owner], 3);
    const broken = {
      ...app.platform,
      db: new Proxy(app.platform.db, {
        get: (db, name) => (name === '$transaction' ? () => Promise.reject(new Error('away')) : Reflect.get(db, name)),
      }),
    };
    await settleAll(broken);
    expect(app.logLines).toContainEqual(expect.objectContaining({ msg: 'the use of calls was not written down' }));
    await callsAtOnce([owner], 2);
    expect(await usedBy(owner)).toBe(5);
  });

  test('is for admins', async () => {
    const owner = await aPerson(app);
    const member = await aMemberOf(app, owner);
    const { codes, data } = await member.send(UsageOf, { id: owner.organizationId, ...daysAround(app), by: 'DAY' });
    expect([codes, data.organization?.usage]).toEqual([['FORBIDDEN'], null]);
  });
});
