import { readFileSync } from 'node:fs';
import path from 'node:path';
import { buildSchema, type GraphQLObjectType } from 'graphql';
import { beforeAll, describe, expect, test } from 'vitest';
import { apiKeyIdIn } from '../src/domains/api-keys/api-key-token.ts';
import { openToKeys } from '../src/domains/api-keys/api-keys.permissions.ts';
import { schema } from '../src/graphql/schema.ts';
import { decodeId } from '../src/platform/typeid.ts';
import { graphql } from './generated/gql.ts';
import { aKey, allScopes, aSecuredOwner, CreateApiKey } from './support/api-keys.ts';
import { aCast, type CallerKind, type Cast } from './support/callers.ts';
import { askFor, callOf, fieldsOf } from './support/every-field.ts';
import { withSecondFactor } from './support/second-factor.ts';
import { aMemberOf, aPerson, callerWith, InviteMember, type Person, useApp } from './support/world.ts';

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
const OrganizationName = graphql(`query OrganizationName($id: ID!) { organization(id: $id) { id name viewerRole } }`);
const MembersByKey = graphql(`query MembersByKey($id: ID!) { organization(id: $id) { id members { totalCount } } }`);
const AuditByKey = graphql(`query AuditByKey($id: ID!) { organization(id: $id) { id auditLog { totalCount } } }`);
const ViewerByKey = graphql(`query ViewerByKey { viewer { email } apiKeyScopes }`);
const UserByKey = graphql(`query UserByKey($id: ID!) { user(id: $id) { email } }`);

const uuidOf = (keyId: string) => decodeId('ApiKey', keyId) ?? '';
const userIdOf = (person: { id: string }) => decodeId('User', person.id) ?? '';
const form = (organizationId: string, more: object = {}) => ({
  input: { organizationId, name: 'Nightly export', scopes: ['organization:read'], ...more },
});

/** Whether a secret opens anything. */
async function works(secret: string): Promise<boolean> {
  const { status, codes } = await callerWith(app, secret).send(ViewerByKey);
  if (status === 200) return true;
  expect([status, codes]).toEqual([401, ['UNAUTHENTICATED']]);
  return false;
}

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
    const { data } = await owner.send(CreateApiKey, form(owner.organizationId, { scopes: ['members:read', 'organization:read'] }));
    if (data.createApiKey.__typename !== 'ApiKeySecret') throw new Error(data.createApiKey.__typename);
    const { secret, apiKey } = data.createApiKey;
    expect(secret).toMatch(new RegExp(`^gh_live_${apiKey.id.slice(4)}_[0-9A-Za-z]{49}$`));
    expect(apiKey).toMatchObject({ hint: `gh_live_…${secret.slice(-4)}`, scopes: ['organization:read', 'members:read'], createdBy: { id: owner.id } });
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
    expect(data.createApiKey).toMatchObject({ __typename: 'ValidationFailed', issues: [{ path: expect.arrayContaining([field]) }] });
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

describe('a key', () => {
  let owner: Person;
  let organizationId: string;
  beforeAll(async () => {
    owner = await aSecuredOwner(app);
    organizationId = owner.organizationId;
  });

  test.each(allScopes)('of the scope %s opens what that scope opens, and nothing else', async (scope) => {
    const key = await aKey(app, owner, { scopes: [scope] });
    const outcomes = {
      'organization:read': (await key.send(OrganizationName, { id: organizationId })).codes,
      'members:read': (await key.send(MembersByKey, { id: organizationId })).codes,
      'audit:read': (await key.send(AuditByKey, { id: organizationId })).codes,
      'members:write': (await key.send(InviteMember, { input: { organizationId, email: `${scope.replace(':', '-')}@example.com` } })).codes,
    };
    for (const [wanted, codes] of Object.entries(outcomes)) {
      expect([...new Set(codes)], wanted).toEqual(wanted === scope ? [] : ['FORBIDDEN']);
    }
    const { data } = await key.send(UserByKey, { id: owner.id });
    expect(data.user).toEqual(scope === 'members:read' ? { email: owner.email } : null);
    expect((await key.send(ViewerByKey)).data).toEqual({ viewer: null, apiKeyScopes: allScopes });
  });

  test('is shut out of every field of Query, Mutation and Organization that its table does not name', async () => {
    const key = await aKey(app, owner);
    const query = schema.getQueryType();
    const roots = [
      ...fieldsOf(query).map((field) => ({ place: `Query.${field.name}`, document: askFor('query', field) })),
      ...fieldsOf(schema.getMutationType()).map((field) => ({ place: `Mutation.${field.name}`, document: askFor('mutation', field) })),
      ...fieldsOf(schema.getType('Organization') as GraphQLObjectType).map((field) => ({
        place: `Organization.${field.name}`,
        document: `query { organization(id: "${organizationId}") { ${callOf(field)} } }`,
      })),
    ];
    const shut = roots.filter(({ place }) => !openToKeys[place]);
    expect(shut.length).toBeGreaterThan(30);
    for (const { place, document } of shut) expect((await key.send(document)).codes, place).toEqual(['FORBIDDEN']);
    const open = roots.filter(({ place }) => openToKeys[place]);
    for (const { place, document } of open) expect((await key.send(document)).codes, place).not.toContain('INTERNAL');
  });

  test('is let in to nothing that the contract does not know', () => {
    const contract = buildSchema(readFileSync(path.join(import.meta.dirname, 'contract.graphql'), 'utf8'));
    const unknown = Object.keys(openToKeys).filter((place) => {
      const [type = '', field = ''] = place.split('.');
      return !(contract.getType(type) as GraphQLObjectType | undefined)?.getFields()[field];
    });
    expect(unknown).toEqual([]);
  });

  test('acts in its own organization alone', async () => {
    const key = await aKey(app, owner);
    const other = await aPerson(app);
    const ask = (id: string, headers = {}) => key.send(OrganizationName, { id }, headers);
    expect((await ask(other.organizationId)).data.organization).toBeNull();
    expect((await ask(organizationId, { 'x-organization-id': other.organizationId })).codes).toEqual(['NOT_FOUND']);
    expect((await ask(organizationId, { 'x-organization-id': organizationId })).data.organization?.id).toBe(organizationId);
    const invite = { input: { organizationId: other.organizationId, email: 'x@example.com' } };
    expect((await key.send(InviteMember, invite)).codes).toEqual(['NOT_FOUND']);
    expect((await key.send(UserByKey, { id: other.id })).data.user).toBeNull();
    expect((await key.send(ApiKeyNode, { id: owner.sessionId })).data.node).toBeNull();
  });

  test('is never an owner, whoever made it', async () => {
    const key = await aKey(app, owner);
    expect((await key.send(OrganizationName, { id: organizationId })).data.organization?.viewerRole).toBe('ADMIN');
    const asOwner = { input: { organizationId, email: 'boss@example.com', role: 'OWNER' as const } };
    expect((await key.send(InviteMember, asOwner)).codes).toEqual(['FORBIDDEN']);
  });

  test('leaves its name in the log line and in the audit entry of what it does', async () => {
    const key = await aKey(app, owner);
    const { data } = await key.send(InviteMember, { input: { organizationId, email: 'logged@example.com' } });
    expect(data.inviteMember).toMatchObject({ __typename: 'InvitationSent', invitation: { invitedBy: { id: owner.id } } });
    const line = app.logLines.findLast(({ msg, operationName }) => msg === 'operation' && operationName === 'InviteMember');
    expect(line).toMatchObject({ apiKeyId: key.id, organizationId, userId: null, sessionId: null, outcome: 'ok' });
    const entry = await app.platform.db.auditEntry.findFirstOrThrow({ where: { apiKeyId: uuidOf(key.id) } });
    expect(entry).toMatchObject({ action: 'invitation.sent', actorKind: 'apiKey', actorUserId: userIdOf(owner), sessionId: null });
  });

  test('notes its use once a minute', async () => {
    const key = await aKey(app, owner);
    const lastUse = async () => (await app.platform.db.apiKey.findUniqueOrThrow({ where: { id: uuidOf(key.id) } })).lastUsedAt;
    expect(await lastUse()).toBeNull();
    await Promise.all(Array.from({ length: 20 }, () => key.send(ViewerByKey)));
    const first = await lastUse();
    expect(first).not.toBeNull();
    await key.send(ViewerByKey);
    expect(await lastUse()).toEqual(first);
    await app.platform.db.apiKey.update({ where: { id: uuidOf(key.id) }, data: { lastUsedAt: new Date(Date.now() - 61_000) } });
    await key.send(ViewerByKey);
    expect((await lastUse())?.getTime()).toBeGreaterThanOrEqual(first?.getTime() ?? 0);
  });
});

describe('the person behind a key', () => {
  let owner: Person;
  beforeAll(async () => {
    owner = await aSecuredOwner(app);
  });

  async function anAdminWithKey() {
    const admin = await aMemberOf(app, owner, { role: 'ADMIN', name: 'Adam' });
    await withSecondFactor(app, admin);
    const key = await aKey(app, admin, { organizationId: owner.organizationId });
    const userId = userIdOf(admin);
    expect(await works(key.secret)).toBe(true);
    return { admin, key, userId };
  }

  test('F18 lends it their role at each use: what they lose, it loses at once, and gets back with them', async () => {
    const { key, userId } = await anAdminWithKey();
    const id = owner.organizationId;
    const audit = async () => (await key.send(AuditByKey, { id })).codes;
    const invite = async () => (await key.send(InviteMember, { input: { organizationId: id, email: 'late@example.com' } })).codes;
    const setRole = (role: 'ADMIN' | 'MEMBER') => app.platform.db.membership.updateMany({ where: { userId, organizationId: decodeId('Organization', id) ?? '' }, data: { role } });
    expect(await audit()).toEqual([]);
    await setRole('MEMBER');
    expect([await audit(), await invite()]).toEqual([['FORBIDDEN'], ['FORBIDDEN']]);
    expect((await key.send(MembersByKey, { id })).codes).toEqual([]);
    await setRole('ADMIN');
    expect(await audit()).toEqual([]);
  });

  test('F18 takes it along when they are removed, for good', async () => {
    const { admin, key } = await anAdminWithKey();
    const found = await owner.send(`{ organization(id: "${owner.organizationId}") { members(search: "${admin.email}") { edges { node { id } } } } }`);
    const [edge] = (found.data as { organization: { members: { edges: { node: { id: string } }[] } } }).organization.members.edges;
    await owner.send(`mutation { removeMember(input: { id: "${edge?.node.id}" }) { __typename } }`);
    expect(await works(key.secret)).toBe(false);
    const { revokedAt } = await app.platform.db.apiKey.findUniqueOrThrow({ where: { id: uuidOf(key.id) } });
    expect(revokedAt).not.toBeNull();
    const entry = await app.platform.db.auditEntry.findFirst({ where: { action: 'apiKey.revoked', targetId: uuidOf(key.id) } });
    expect(entry?.metadata).toEqual({ reason: 'memberRemoved' });
  });

  test.each([
    ['is locked', (userId: string) => app.platform.db.user.update({ where: { id: userId }, data: { lockedAt: new Date() } })],
    ['has lost their address', (userId: string) => app.platform.db.user.update({ where: { id: userId }, data: { emailVerifiedAt: null } })],
    ['is no member', (userId: string) => app.platform.db.membership.deleteMany({ where: { userId } })],
    ['is gone', (userId: string) => app.platform.db.user.delete({ where: { id: userId } })],
  ])('who %s leaves a key that opens nothing', async (_, happens) => {
    const { key, userId } = await anAdminWithKey();
    await happens(userId);
    expect(await works(key.secret)).toBe(false);
  });

  test('without a second factor leaves it shut out of an organization that wants one', async () => {
    const { admin, key, userId } = await anAdminWithKey();
    const id = decodeId('Organization', owner.organizationId) ?? '';
    const requireMfa = (requiresMfa: boolean) => app.platform.db.organization.update({ where: { id }, data: { requiresMfa } });
    await requireMfa(true);
    expect(await works(key.secret)).toBe(true);
    await app.platform.db.totpFactor.delete({ where: { userId } });
    expect(await works(key.secret)).toBe(false);
    await requireMfa(false);
    expect([admin.email, await works(key.secret)]).toEqual([admin.email, true]);
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
    expect(Math.abs(Date.parse(apiKey.previousSecretExpiresAt ?? '') - Date.now() - 24 * 3_600_000)).toBeLessThan(60_000);
    await app.platform.db.apiKey.update({ where: { id: uuidOf(key.id) }, data: { previousSecretExpiresAt: new Date() } });
    expect([await works(key.secret), await works(secret)]).toEqual([false, true]);
    const entries = await app.platform.db.auditEntry.findMany({ where: { targetId: uuidOf(key.id) }, orderBy: { sequence: 'asc' } });
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
    const answers = await Promise.all(Array.from({ length: 20 }, () => rotate(key.id, 24)));
    const good = [];
    for (const { secret } of answers) if (await works(secret)) good.push(secret);
    expect([good.length, await works(key.secret)]).toEqual([2, false]);
    expect(await app.platform.db.auditEntry.count({ where: { action: 'apiKey.rotated', targetId: uuidOf(key.id) } })).toBe(20);
  });

  test('F18 wants admin, second factor and a fresh proof, and refuses strangers as if the key did not exist', async () => {
    const key = await aKey(app, owner);
    const refusedTo = async (person: Person, id = key.id) => (await person.send(RotateApiKey, { id, overlapHours: 1 })).codes;
    const member = await aMemberOf(app, owner);
    const admin = await aMemberOf(app, owner, { role: 'ADMIN' });
    const stranger = await aSecuredOwner(app);
    expect(await refusedTo(member)).toEqual(['FORBIDDEN']);
    expect(await refusedTo(admin)).toEqual(['MFA_REQUIRED']);
    expect([await refusedTo(stranger), await refusedTo(stranger, 'key_01h455vb4pex5vsknk084sn02q')]).toEqual([['NOT_FOUND'], ['NOT_FOUND']]);
    await minutesPass(owner, 11);
    expect(await refusedTo(owner)).toEqual(['REAUTHENTICATION_REQUIRED']);
    await minutesPass(owner, 0);
    expect(await works(key.secret)).toBe(true);
  });

  test('refuses a strange overlap and a key that has ended', async () => {
    const key = await aKey(app, owner);
    const outcome = async (overlapHours: number) => (await owner.send(RotateApiKey, { id: key.id, overlapHours })).data.rotateApiKey;
    for (const hours of [-1, 169]) expect(await outcome(hours)).toMatchObject({ issues: [{ path: ['overlapHours'] }] });
    await app.platform.db.apiKey.update({ where: { id: uuidOf(key.id) }, data: { expiresAt: new Date() } });
    expect(await outcome(1)).toMatchObject({ issues: [{ path: ['id'] }] });
    expect(await works(key.secret)).toBe(false);
  });
});

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
    expect(await app.platform.db.auditEntry.count({ where: { action: 'apiKey.revoked', targetId: uuidOf(key.id) } })).toBe(1);
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
    else expect([codes, data.organization?.apiKeys?.totalCount ?? null]).toEqual([refusal, refusal.length > 0 ? null : 3]);
    const { node } = (await cast.callers[kind].send(ApiKeyNode, { id: keyId })).data;
    expect(node?.__typename ?? null).toBe(refusal?.length === 0 ? 'ApiKey' : null);
  });

  test('pages over all keys', async () => {
    const { data } = await cast.owner.send(ApiKeys, { id: cast.organizationId, first: 2 });
    const page = data.organization?.apiKeys;
    expect([page?.edges.length, page?.pageInfo.hasNextPage]).toEqual([2, true]);
    const rest = await cast.owner.send(ApiKeys, { id: cast.organizationId, first: 2, after: page?.pageInfo.endCursor ?? null });
    expect(rest.data.organization?.apiKeys?.edges.map(({ node }) => node.id)).toEqual([keyId]);
  });
});
