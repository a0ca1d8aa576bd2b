import { readFileSync } from 'node:fs';
import path from 'node:path';
import { buildSchema, type GraphQLObjectType } from 'graphql';
import { beforeAll, describe, expect, test } from 'vitest';
import { openToKeys } from '../src/domains/api-keys/api-keys.permissions.ts';
import { schema } from '../src/graphql/schema.ts';
import { decodeId } from '../src/platform/typeid.ts';
import { graphql } from './generated/gql.ts';
import { aKey, allScopes, aSecuredOwner, isGood, ViewerByKey } from './support/api-keys.ts';
import { askFor, callOf, fieldsOf } from './support/every-field.ts';
import { withSecondFactor } from './support/second-factor.ts';
import { aMemberOf, aPerson, InviteMember, type Person, useApp } from './support/world.ts';

const app = useApp();

const OrganizationName = graphql(`query OrganizationName($id: ID!) { organization(id: $id) { id name viewerRole } }`);
const MembersByKey = graphql(`query MembersByKey($id: ID!) { organization(id: $id) { id members { totalCount } } }`);
const AuditByKey = graphql(`query AuditByKey($id: ID!) { organization(id: $id) { id auditLog { totalCount } } }`);
const UserByKey = graphql(`query UserByKey($id: ID!) { user(id: $id) { email } }`);
const InviteByKey = graphql(`
  mutation InviteByKey($organizationId: ID!, $email: String!) {
    inviteMember(input: { organizationId: $organizationId, email: $email }) { __typename ... on InvitationSent { invitation { id email } } }
  }
`);
const NodeByKey = graphql(`query NodeByKey($id: ID!) { node(id: $id) { id } }`);

const works = (secret: string) => isGood(app, secret);
const uuidOf = (keyId: string) => decodeId('ApiKey', keyId) ?? '';
const userIdOf = (person: { id: string }) => decodeId('User', person.id) ?? '';

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
      'members:write': (
        await key.send(InviteByKey, { organizationId, email: `${scope.replace(':', '-')}@example.com` })
      ).codes,
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
      ...fieldsOf(schema.getMutationType()).map((field) => ({
        place: `Mutation.${field.name}`,
        document: askFor('mutation', field),
      })),
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
    expect((await ask(organizationId, { 'x-organization-id': organizationId })).data.organization?.id).toBe(
      organizationId,
    );
    const invite = { input: { organizationId: other.organizationId, email: 'x@example.com' } };
    expect((await key.send(InviteMember, invite)).codes).toEqual(['NOT_FOUND']);
    expect((await key.send(UserByKey, { id: other.id })).data.user).toBeNull();
    expect((await key.send(NodeByKey, { id: owner.sessionId })).data.node).toBeNull();
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
    expect(data.inviteMember).toMatchObject({
      __typename: 'InvitationSent',
      invitation: { invitedBy: { id: owner.id } },
    });
    const line = app.logLines.findLast(
      ({ msg, operationName }) => msg === 'operation' && operationName === 'InviteMember',
    );
    expect(line).toMatchObject({ apiKeyId: key.id, organizationId, userId: null, sessionId: null, outcome: 'ok' });
    const entry = await app.platform.db.auditEntry.findFirstOrThrow({ where: { apiKeyId: uuidOf(key.id) } });
    expect(entry).toMatchObject({
      action: 'invitation.sent',
      actorKind: 'apiKey',
      actorUserId: userIdOf(owner),
      sessionId: null,
    });
  });

  test('notes its use once a minute', async () => {
    const key = await aKey(app, owner);
    const lastUse = async () =>
      (await app.platform.db.apiKey.findUniqueOrThrow({ where: { id: uuidOf(key.id) } })).lastUsedAt;
    expect(await lastUse()).toBeNull();
    await Promise.all(Array.from({ length: 20 }, () => key.send(ViewerByKey)));
    const first = await lastUse();
    expect(first).not.toBeNull();
    await key.send(ViewerByKey);
    expect(await lastUse()).toEqual(first);
    await app.platform.db.apiKey.update({
      where: { id: uuidOf(key.id) },
      data: { lastUsedAt: new Date(Date.now() - 61_000) },
    });
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
    const invite = async () =>
      (await key.send(InviteMember, { input: { organizationId: id, email: 'late@example.com' } })).codes;
    const setRole = (role: 'ADMIN' | 'MEMBER') =>
      app.platform.db.membership.updateMany({
        where: { userId, organizationId: decodeId('Organization', id) ?? '' },
        data: { role },
      });
    const seesItself = async () => (await key.send(NodeByKey, { id: key.id })).data.node !== null;
    expect([await audit(), await seesItself()]).toEqual([[], true]);
    await setRole('MEMBER');
    expect([await audit(), await invite()]).toEqual([['FORBIDDEN'], ['FORBIDDEN']]);
    expect(await seesItself()).toBe(false);
    expect((await key.send(MembersByKey, { id })).codes).toEqual([]);
    await setRole('ADMIN');
    expect(await audit()).toEqual([]);
  });

  test('F18 takes it along when they are removed, for good', async () => {
    const { admin, key } = await anAdminWithKey();
    const found = await owner.send(
      `{ organization(id: "${owner.organizationId}") { members(search: "${admin.email}") { edges { node { id } } } } }`,
    );
    const [edge] = (found.data as { organization: { members: { edges: { node: { id: string } }[] } } }).organization
      .members.edges;
    await owner.send(`mutation { removeMember(input: { id: "${edge?.node.id}" }) { __typename } }`);
    expect(await works(key.secret)).toBe(false);
    const { revokedAt } = await app.platform.db.apiKey.findUniqueOrThrow({ where: { id: uuidOf(key.id) } });
    expect(revokedAt).not.toBeNull();
    const entry = await app.platform.db.auditEntry.findFirst({
      where: { action: 'apiKey.revoked', targetId: uuidOf(key.id) },
    });
    expect(entry?.metadata).toEqual({ reason: 'memberRemoved' });
  });

  test.each([
    [
      'is locked',
      (userId: string) => app.platform.db.user.update({ where: { id: userId }, data: { lockedAt: new Date() } }),
    ],
    [
      'has lost their address',
      (userId: string) => app.platform.db.user.update({ where: { id: userId }, data: { emailVerifiedAt: null } }),
    ],
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
    const requireMfa = (requiresMfa: boolean) =>
      app.platform.db.organization.update({ where: { id }, data: { requiresMfa } });
    await requireMfa(true);
    expect(await works(key.secret)).toBe(true);
    await app.platform.db.totpFactor.delete({ where: { userId } });
    expect(await works(key.secret)).toBe(false);
    await requireMfa(false);
    expect([admin.email, await works(key.secret)]).toEqual([admin.email, true]);
  });
});
