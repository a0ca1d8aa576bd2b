import pg from 'pg';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { apiKeyIdIn } from '../src/domains/api-keys/api-key-token.ts';
import { decodeId } from '../src/platform/typeid.ts';
import { graphql } from './generated/gql.ts';
import { aKey, aSecuredOwner, CreateApiKey, isGood } from './support/api-keys.ts';
import { aCast, type CallerKind, type Cast } from './support/callers.ts';
import { withSecondFactor } from './support/second-factor.ts';
import { aMemberOf, aPerson, callerWith, type Person, useApp } from './support/world.ts';

const app = useApp();

const ApiKeys = graphql(`
  query ApiKeys($id: ID!, $first: Int, $after: String) {
    organization(id: $id) {
      apiKeys(first: $first, after: $after) {
        totalCount
        pageInfo { hasNextPage endCursor }
        edges { node { id name hint scopes createdBy { id } lastUsedAt revokedAt } }
      }
    }
  }
`);
const ApiKeyNode = graphql(`query ApiKeyNode($id: ID!) { node(id: $id) { __typename id } }`);
const RotateApiKey = graphql(`
  mutation RotateApiKey($id: ID!, $overlapHours: Int!) {
    rotateApiKey(input: { id: $id, overlapHours: $overlapHours }) {
      __typename
      ... on ApiKeySecret { secret apiKey { id name hint scopes expiresAt previousSecretExpiresAt } }
      ... on ValidationFailed { issues { path message } }
    }
  }
`);
const RevokeApiKey = graphql(`
  mutation RevokeApiKey($id: ID!) {
    revokeApiKey(input: { id: $id }) { __typename ... on ApiKeyRevoked { apiKey { id revokedAt } } }
  }
`);

const uuidOf = (keyId: string) => decodeId('ApiKey', keyId) ?? '';
const userIdOf = (person: { id: string }) => decodeId('User', person.id) ?? '';
const form = (organizationId: string, more: object = {}) => ({
  input: { organizationId, name: 'Nightly export', scopes: ['organization:read'], ...more },
});

const works = (secret: string) => isGood(app, secret);

async function minutesPass(person: Person, minutes: number) {
  const authenticatedAt = new Date(Date.now() - minutes * 60_000);
  await app.platform.db.session.updateMany({ where: { user: { email: person.email } }, data: { authenticatedAt } });
}

describe('createApiKey', () => {
  let cast: Cast;
  beforeAll(async () => {
    cast = await aCast(app);
  });

  test.each<[CallerKind, string]>([
    ['anonymous', 'UNAUTHENTICATED'],
    ['outsider', 'NOT_FOUND'],
    ['member', 'FORBIDDEN'],
    ['admin', 'MFA_REQUIRED'],
    ['owner', 'MFA_REQUIRED'],
    ['superuser without second factor', 'NOT_FOUND'],
    ['superuser', 'NOT_FOUND'],
  ])('refuses %s without a second factor in the organization: %s', async (kind, code) => {
    const { codes } = await cast.callers[kind].send(CreateApiKey, form(cast.organizationId));
    expect(codes).toEqual([code]);
    expect(await app.platform.db.apiKey.count()).toBe(0);
  });

  test('F18 shows the secret once and keeps its digest alone', async () => {
    const owner = await aSecuredOwner(app);
    const { data } = await owner.send(
      CreateApiKey,
      form(owner.organizationId, { scopes: ['members:read', 'organization:read'] }),
    );
    if (data.createApiKey.__typename !== 'ApiKeySecret') throw new Error(data.createApiKey.__typename);
    const { secret, apiKey } = data.createApiKey;
    expect(secret).toMatch(new RegExp(`^gh_live_${apiKey.id.slice(4)}_[0-9A-Za-z]{49}$`));
    expect(apiKey).toMatchObject({
      hint: `gh_live_…${secret.slice(-4)}`,
      scopes: ['organization:read', 'members:read'],
      createdBy: { id: owner.id },
    });
    expect(Date.parse(apiKey.expiresAt ?? '') - Date.parse(apiKey.createdAt)).toBe(90 * 86_400_000);
    const [{ dump }] = await app.platform.db.$queryRaw<[{ dump: string }]>`
      SELECT (SELECT json_agg(k) FROM api_keys k)::text || (SELECT json_agg(a) FROM audit_entries a)::text AS dump`;
    expect(dump).not.toContain(secret.slice(36));
    expect(JSON.stringify(app.logLines)).not.toContain(secret.slice(36));
    const entry = await app.platform.db.auditEntry.findFirst({ where: { targetId: uuidOf(apiKey.id) } });
    expect(entry).toMatchObject({ action: 'apiKey.created', actorKind: 'user', actorUserId: userIdOf(owner) });
  });

  test('wants a proof of the last ten minutes', async () => {
    const owner = await aSecuredOwner(app);
    await minutesPass(owner, 11);
    expect((await owner.send(CreateApiKey, form(owner.organizationId))).codes).toEqual(['REAUTHENTICATION_REQUIRED']);
  });

  test.each([
    ['name', { name: '  ' }],
    ['scopes', { scopes: [] }],
    ['scopes', { scopes: ['organization:read', 'organization:write'] }],
    ['expiresInDays', { expiresInDays: 0 }],
    ['expiresInDays', { expiresInDays: 366 }],
  ])('says what is wrong with %s in %j', async (field, change) => {
    const owner = await aSecuredOwner(app);
    const { data } = await owner.send(CreateApiKey, form(owner.organizationId, change));
    expect(data.createApiKey).toMatchObject({
      __typename: 'ValidationFailed',
      issues: [{ path: expect.arrayContaining([field]) }],
    });
  });
});

describe('the form of a key', () => {
  test('has a checksum by which a mistyped one is known', async () => {
    const { secret, id } = await aKey(app, await aSecuredOwner(app));
    expect(apiKeyIdIn(secret)).toBe(uuidOf(id));
    const swap = (at: number) => `${secret.slice(0, at)}${secret[at] === 'a' ? 'b' : 'a'}${secret.slice(at + 1)}`;
    for (let at = 'gh_live_'.length; at < secret.length; at += 1) {
      if (secret[at] !== '_') expect(apiKeyIdIn(swap(at)), `letter ${at}`).toBeNull();
    }
    for (const wrong of ['', 'gh_live_', secret.slice(1), `${secret}a`, secret.slice(0, -1), secret.toUpperCase()]) {
      expect(apiKeyIdIn(wrong)).toBeNull();
    }
    expect(await works(swap(40))).toBe(false);
    expect(await works(secret)).toBe(true);
  });
});

describe('rotateApiKey', () => {
  let owner: Person;
  beforeAll(async () => {
    owner = await aSecuredOwner(app);
  });

  async function rotate(id: string, overlapHours: number) {
    const { data } = await owner.send(RotateApiKey, { id, overlapHours });
    if (data?.rotateApiKey.__typename !== 'ApiKeySecret') throw new Error('not rotated');
    return data.rotateApiKey;
  }

  test('F18 gives a new secret; the old one works for the overlap, and scopes and end stay', async () => {
    const key = await aKey(app, owner, { scopes: ['organization:read'] });
    const before = await app.platform.db.apiKey.findUniqueOrThrow({ where: { id: uuidOf(key.id) } });
    const { secret, apiKey } = await rotate(key.id, 24);
    expect(secret).not.toBe(key.secret);
    expect([await works(key.secret), await works(secret)]).toEqual([true, true]);
    expect(apiKey).toMatchObject({ id: key.id, scopes: before.scopes, expiresAt: before.expiresAt.toISOString() });
    expect(Math.abs(Date.parse(apiKey.previousSecretExpiresAt ?? '') - Date.now() - 24 * 3_600_000)).toBeLessThan(
      60_000,
    );
    await app.platform.db.apiKey.update({
      where: { id: uuidOf(key.id) },
      data: { previousSecretExpiresAt: new Date() },
    });
    expect([await works(key.secret), await works(secret)]).toEqual([false, true]);
    const entries = await app.platform.db.auditEntry.findMany({
      where: { targetId: uuidOf(key.id) },
      orderBy: { sequence: 'asc' },
    });
    expect(entries.map(({ action }) => action)).toEqual(['apiKey.created', 'apiKey.rotated']);
  });

  test('F18 without an overlap ends the old secret now', async () => {
    const key = await aKey(app, owner);
    const { secret } = await rotate(key.id, 0);
    expect([await works(key.secret), await works(secret)]).toEqual([false, true]);
  });

  test('F18 within an overlap ends the oldest of three secrets', async () => {
    const key = await aKey(app, owner);
    const second = (await rotate(key.id, 24)).secret;
    const third = (await rotate(key.id, 1)).secret;
    expect([await works(key.secret), await works(second), await works(third)]).toEqual([false, true, true]);
  });

  test('F18 twenty at once leave one current and one previous secret', async () => {
    const key = await aKey(app, owner);
    const answers = await crowdedAt(key.id, () => Promise.all(Array.from({ length: 20 }, () => rotate(key.id, 24))));
    const good = [];
    for (const { secret } of answers) if (await works(secret)) good.push(secret);
    expect([good.length, await works(key.secret)]).toEqual([2, false]);
    expect(
      await app.platform.db.auditEntry.count({ where: { action: 'apiKey.rotated', targetId: uuidOf(key.id) } }),
    ).toBe(20);
  });

  test('F18 wants admin, second factor and a fresh proof, and refuses strangers as if the key did not exist', async () => {
    const key = await aKey(app, owner);
    const refusedTo = async (person: Person, id = key.id) =>
      (await person.send(RotateApiKey, { id, overlapHours: 1 })).codes;
    const member = await aMemberOf(app, owner);
    const admin = await aMemberOf(app, owner, { role: 'ADMIN' });
    const stranger = await aSecuredOwner(app);
    expect(await refusedTo(member)).toEqual(['FORBIDDEN']);
    expect(await refusedTo(admin)).toEqual(['MFA_REQUIRED']);
    expect([await refusedTo(stranger), await refusedTo(stranger, 'key_01h455vb4pex5vsknk084sn02q')]).toEqual([
      ['NOT_FOUND'],
      ['NOT_FOUND'],
    ]);
    await minutesPass(owner, 11);
    expect(await refusedTo(owner)).toEqual(['REAUTHENTICATION_REQUIRED']);
    await minutesPass(owner, 0);
    expect(await works(key.secret)).toBe(true);
  });

  test('refuses a strange overlap and a key that has ended', async () => {
    const key = await aKey(app, owner);
    const outcome = async (overlapHours: number) =>
      (await owner.send(RotateApiKey, { id: key.id, overlapHours })).data.rotateApiKey;
    for (const hours of [-1, 169]) expect(await outcome(hours)).toMatchObject({ issues: [{ path: ['overlapHours'] }] });
    await app.platform.db.apiKey.update({ where: { id: uuidOf(key.id) }, data: { expiresAt: new Date() } });
    expect(await outcome(1)).toMatchObject({ issues: [{ path: ['id'] }] });
    expect(await works(key.secret)).toBe(false);
  });
});

/** Runs `work` while a key's row is locked, and lets it go once fifteen wait for it. */
async function crowdedAt<T>(keyId: string, work: () => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: app.databaseUrl });
  await client.connect();
  const waiting = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
  const isCrowded = async () => {
    await client.query('SELECT pg_stat_clear_snapshot()');
    return ((await client.query(waiting)).rowCount ?? 0) >= 15;
  };
  try {
    await client.query('BEGIN');
    await client.query('SELECT FROM api_keys WHERE id = $1 FOR UPDATE', [uuidOf(keyId)]);
    const result = work();
    await vi.waitUntil(isCrowded, 10_000);
    await client.query('COMMIT');
    return await result;
  } finally {
    await client.end();
  }
}

describe('revokeApiKey', () => {
  test('ends a key at once and for good, once', async () => {
    const owner = await aSecuredOwner(app);
    const key = await aKey(app, owner);
    const member = await aMemberOf(app, owner);
    const stranger = await aPerson(app);
    expect((await member.send(RevokeApiKey, { id: key.id })).codes).toEqual(['FORBIDDEN']);
    expect((await stranger.send(RevokeApiKey, { id: key.id })).codes).toEqual(['NOT_FOUND']);
    expect((await callerWith(app).send(RevokeApiKey, { id: key.id })).codes).toEqual(['UNAUTHENTICATED']);
    expect(await works(key.secret)).toBe(true);
    const first = (await owner.send(RevokeApiKey, { id: key.id })).data.revokeApiKey;
    expect(await works(key.secret)).toBe(false);
    expect((await owner.send(RevokeApiKey, { id: key.id })).data.revokeApiKey).toEqual(first);
    expect(
      await app.platform.db.auditEntry.count({ where: { action: 'apiKey.revoked', targetId: uuidOf(key.id) } }),
    ).toBe(1);
  });
});

describe('Organization.apiKeys', () => {
  let cast: Cast;
  let keyId: string;
  beforeAll(async () => {
    cast = await aCast(app);
    await withSecondFactor(app, cast.owner);
    for (let i = 0; i < 3; i += 1) keyId = (await aKey(app, cast.owner)).id;
  });

  test.each<[CallerKind, string[] | null]>([
    ['anonymous', null],
    ['outsider', null],
    ['member', ['FORBIDDEN']],
    ['admin', []],
    ['owner', []],
    ['superuser without second factor', null],
    ['superuser', []],
  ])('is for %s: %j', async (kind, refusal) => {
    const { data, codes } = await cast.callers[kind].send(ApiKeys, { id: cast.organizationId });
    if (refusal === null) expect(data.organization).toBeNull();
    else
      expect([codes, data.organization?.apiKeys?.totalCount ?? null]).toEqual([refusal, refusal.length > 0 ? null : 3]);
    const { node } = (await cast.callers[kind].send(ApiKeyNode, { id: keyId })).data;
    expect(node?.__typename ?? null).toBe(refusal?.length === 0 ? 'ApiKey' : null);
  });

  test('pages over all keys', async () => {
    const { data } = await cast.owner.send(ApiKeys, { id: cast.organizationId, first: 2 });
    const page = data.organization?.apiKeys;
    expect([page?.edges.length, page?.pageInfo.hasNextPage]).toEqual([2, true]);
    const rest = await cast.owner.send(ApiKeys, {
      id: cast.organizationId,
      first: 2,
      after: page?.pageInfo.endCursor ?? null,
    });
    expect(rest.data.organization?.apiKeys?.edges.map(({ node }) => node.id)).toEqual([keyId]);
  });
});
