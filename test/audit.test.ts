import { beforeAll, describe, expect, test } from 'vitest';
import { decodeId, encodeId } from '../src/platform/typeid.ts';
import { graphql } from './generated/gql.ts';
import { aKey, aSecuredOwner } from './support/api-keys.ts';
import { aCast, type CallerKind, type Cast } from './support/callers.ts';
import { withSecondFactor } from './support/second-factor.ts';
import { aMemberOf, InviteMember, type Person, useApp } from './support/world.ts';

const app = useApp();

const AuditLog = graphql(`
  query AuditLog($id: ID!, $first: Int, $after: String, $last: Int, $before: String, $action: String, $actorId: ID) {
    organization(id: $id) {
      auditLog(first: $first, after: $after, last: $last, before: $before, action: $action, actorId: $actorId) {
        totalCount
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
        edges {
          cursor
          node {
            id sequence action actorKind sessionId targetType targetId ipAddress userAgent metadata createdAt
            actor { id email }
            apiKey { id name }
          }
        }
      }
    }
  }
`);
const SystemLog = graphql(`
  query SystemLog($actorId: ID, $action: String) {
    admin { auditLog(first: 100, actorId: $actorId, action: $action) { totalCount edges { node { action actorKind targetId } } } }
  }
`);
const AuditNode = graphql(
  `query AuditNode($id: ID!) { node(id: $id) { __typename ... on AuditEntry { id sequence action } } }`,
);

async function logOf(caller: Person | Cast['callers'][CallerKind], id: string, more: object = {}) {
  const { data, codes } = await caller.send(AuditLog, { id, ...more });
  return {
    codes,
    log: data?.organization?.auditLog ?? null,
    nodes: data?.organization?.auditLog?.edges.map(({ node }) => node) ?? [],
  };
}

const invite = (inviter: Pick<Person, 'send'>, organizationId: string, name: string) =>
  inviter.send(InviteMember, { input: { organizationId, email: `${name}@example.com` } });

describe('Organization.auditLog', () => {
  let cast: Cast;
  let secured: Record<'owner' | 'admin' | 'member', Person>;
  let entryId: string;
  beforeAll(async () => {
    cast = await aCast(app);
    const { owner, organizationId } = cast;
    const admin = await aMemberOf(app, owner, { role: 'ADMIN', name: 'Anna' });
    const member = await aMemberOf(app, owner, { name: 'Mona' });
    for (const person of [owner, admin, member]) await withSecondFactor(app, person);
    secured = { owner, admin, member };
    entryId = (await logOf(owner, organizationId, { first: 1 })).nodes[0]?.id ?? '';
  });

  test.each<[CallerKind | 'admin with second factor' | 'member with second factor', string | null]>([
    ['anonymous', null],
    ['outsider', null],
    ['member', 'FORBIDDEN'],
    ['member with second factor', 'FORBIDDEN'],
    ['admin', 'MFA_REQUIRED'],
    ['admin with second factor', 'open'],
    ['owner', 'open'],
    ['superuser without second factor', null],
    ['superuser', 'open'],
  ])('is for %s: %s', async (kind, outcome) => {
    const people = { 'admin with second factor': secured.admin, 'member with second factor': secured.member };
    const caller = kind in people ? people[kind as keyof typeof people] : cast.callers[kind as CallerKind];
    const { codes, log } = await logOf(caller, cast.organizationId);
    expect(codes).toEqual(outcome === null || outcome === 'open' ? [] : [outcome]);
    expect(log !== null).toBe(outcome === 'open');
    const { node } = (await caller.send(AuditNode, { id: entryId })).data;
    expect(node?.__typename ?? null).toBe(outcome === 'open' ? 'AuditEntry' : null);
  });

  test('tells who did what to what, from where, with TypeIDs', async () => {
    const { owner, admin } = secured;
    const [entry] = (await logOf(owner, cast.organizationId, { action: 'member.joined', actorId: admin.id })).nodes;
    expect(entry).toBeUndefined();
    await invite(admin, cast.organizationId, 'told');
    const [sent] = (await logOf(owner, cast.organizationId, { first: 1 })).nodes;
    expect(sent).toMatchObject({
      action: 'invitation.sent',
      actorKind: 'USER',
      actor: { id: admin.id, email: admin.email },
      apiKey: null,
      sessionId: admin.sessionId,
      targetType: 'Invitation',
      targetId: expect.stringMatching(/^inv_/),
      ipAddress: '127.0.0.1',
      metadata: { email: 'told@example.com', role: 'MEMBER' },
    });
    const [founded] = (await logOf(owner, cast.organizationId, { last: 1 })).nodes;
    expect(founded).toMatchObject({ sequence: 1, action: 'organization.created', metadata: { ownerId: owner.id } });
  });

  test('names the key and the person behind it, and finds both', async () => {
    const { owner } = secured;
    const key = await aKey(app, owner);
    await invite(key, cast.organizationId, 'by-key');
    const [byKey, made] = (await logOf(owner, cast.organizationId, { first: 2 })).nodes;
    expect(byKey).toMatchObject({
      actorKind: 'API_KEY',
      actor: { id: owner.id },
      apiKey: { id: key.id },
      sessionId: null,
    });
    expect(made).toMatchObject({ action: 'apiKey.created', actorKind: 'USER', targetId: key.id });
    expect((await logOf(owner, cast.organizationId, { actorId: key.id })).nodes).toEqual([byKey]);
    expect((await logOf(owner, cast.organizationId, { actorId: owner.id, first: 2 })).nodes).toEqual([byKey, made]);
    expect((await logOf(key as unknown as Person, cast.organizationId, { first: 2 })).nodes).toEqual([byKey, made]);
    for (const nobody of ['usr_01h455vb4pex5vsknk084sn02q', cast.organizationId, 'nonsense']) {
      expect((await logOf(owner, cast.organizationId, { actorId: nobody })).nodes).toEqual([]);
    }
  });

  test('is newest first and pages over every entry once, both ways, while entries come', async () => {
    const { owner } = secured;
    const id = cast.organizationId;
    const all = (await logOf(owner, id, { first: 100 })).nodes.map(({ sequence }) => sequence);
    expect(all).toEqual(Array.from(all, (_, at) => all.length - at));
    const seen: number[] = [];
    for (let after: string | null = null, more = true; more; ) {
      const { log } = await logOf(owner, id, { first: 3, after });
      seen.push(...(log?.edges.map(({ node }) => node.sequence) ?? []));
      if (seen.length === 3) await invite(owner, id, 'meanwhile');
      after = log?.pageInfo.endCursor ?? null;
      more = log?.pageInfo.hasNextPage ?? false;
    }
    expect(seen).toEqual(all);
    const middle = (await logOf(owner, id, { first: 5 })).log?.edges[4]?.cursor ?? '';
    const back = await logOf(owner, id, { last: 2, before: middle });
    expect(back.nodes.map(({ sequence }) => sequence)).toEqual([all.length - 1, all.length - 2]);
    const other = await aSecuredOwner(app);
    expect((await logOf(other, other.organizationId, { after: middle })).codes).toEqual(['BAD_USER_INPUT']);
  });

  test('keeps the chain of the system for superusers', async () => {
    const { owner } = secured;
    const own = await app.platform.db.auditEntry.findFirstOrThrow({
      where: { actorUserId: decodeId('User', owner.id), action: 'mfa.enabled' },
    });
    const id = encodeId('AuditEntry', own.id);
    expect((await owner.send(AuditNode, { id })).data.node).toBeNull();
    expect((await cast.callers.superuser.send(AuditNode, { id })).data.node).toMatchObject({
      id,
      action: 'mfa.enabled',
    });
  });
});

describe('admin.auditLog', () => {
  test('is the chain of the system, newest first, for superusers with a second factor alone', async () => {
    const { owner, callers } = await aCast(app);
    await withSecondFactor(app, owner);
    const { data } = await callers.superuser.send(SystemLog, { actorId: owner.id });
    const entries = data.admin?.auditLog.edges.map(({ node }) => node);
    expect(entries?.[0]).toEqual({ action: 'mfa.enabled', actorKind: 'USER', targetId: owner.id });
    const narrowed = await callers.superuser.send(SystemLog, { actorId: owner.id, action: 'mfa.enabled' });
    expect(narrowed.data.admin?.auditLog.totalCount).toBe(1);
    for (const kind of ['owner', 'member', 'superuser without second factor', 'anonymous'] as const) {
      expect((await callers[kind].send(SystemLog, {})).data.admin, kind).toBeNull();
    }
  });
});

describe('a chain of entries', () => {
  test('has no gap and no fork after twenty writes at once', async () => {
    const owner = await aSecuredOwner(app);
    const before = (await logOf(owner, owner.organizationId)).log?.totalCount ?? 0;
    await Promise.all(Array.from({ length: 20 }, (_, at) => invite(owner, owner.organizationId, `at-once-${at}`)));
    const entries = await app.platform.db.auditEntry.findMany({
      where: { chainId: decodeId('Organization', owner.organizationId) ?? '' },
      orderBy: { sequence: 'asc' },
    });
    expect(entries).toHaveLength(before + 20);
    expect(entries.map(({ sequence }) => Number(sequence))).toEqual(entries.map((_, at) => at + 1));
    const links = entries
      .slice(1)
      .map(({ previousHash }, at) => Buffer.from(previousHash).equals(entries[at]?.hash ?? Buffer.alloc(0)));
    expect(links.every(Boolean)).toBe(true);
  });
});
