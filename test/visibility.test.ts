import { beforeAll, describe, expect, test } from 'vitest';
import { graphql } from './generated/gql.ts';
import { aCast, type CallerKind, type Cast } from './support/callers.ts';
import { aMemberOf, aPerson, InviteMember, useApp } from './support/world.ts';

const app = useApp();

const Node = graphql(`query Node($id: ID!) { node(id: $id) { __typename id ... on User { email } } }`);
const Nodes = graphql(`query Nodes($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }`);
const UserQuery = graphql(`query User($id: ID!) { user(id: $id) { id name email createdAt } }`);
const unknown = (prefix: string) => `${prefix}_01h455vb4pex5vsknk084sn02q`;

describe('node, nodes and user', () => {
  let cast: Cast;
  const ids: Record<string, string> = {};
  beforeAll(async () => {
    cast = await aCast(app);
    const { owner, organizationId } = cast;
    const { data } = await owner.send(InviteMember, { input: { organizationId, email: 'someone@example.com' } });
    const page = await owner.send(
      `{ organization(id: "${organizationId}") { members(first: 1) { edges { node { id } } } } }`,
    );
    const { organization } = page.data as { organization: { members: { edges: { node: { id: string } }[] } } };
    ids.Organization = organizationId;
    ids.User = owner.id;
    ids.Session = owner.sessionId;
    ids.Membership = organization.members.edges[0]?.node.id ?? '';
    ids.Invitation = data.inviteMember.__typename === 'InvitationSent' ? data.inviteMember.invitation.id : '';
  });

  test.each<[CallerKind, string[]]>([
    ['anonymous', []],
    ['outsider', []],
    ['member', ['Organization', 'User', 'Membership']],
    ['admin', ['Organization', 'User', 'Membership', 'Invitation']],
    ['owner', ['Organization', 'User', 'Session', 'Membership', 'Invitation']],
    ['superuser without second factor', []],
    ['superuser', ['Organization', 'User', 'Membership', 'Invitation']],
  ])('F28 show %s exactly %j, and the rest as if it did not exist', async (kind, visible) => {
    const caller = cast.callers[kind];
    for (const [typename, id] of Object.entries(ids)) {
      const { data, codes } = await caller.send(Node, { id });
      expect([codes, data.node?.__typename ?? null], typename).toEqual([
        [],
        visible.includes(typename) ? typename : null,
      ]);
    }
    const { data } = await caller.send(Nodes, { ids: Object.values(ids) });
    expect(data.nodes.map((node) => node?.__typename).filter(Boolean)).toEqual(
      Object.keys(ids).filter((typename) => visible.includes(typename)),
    );
    const { user } = (await caller.send(UserQuery, { id: cast.owner.id })).data;
    expect(user?.email ?? null).toBe(visible.includes('User') ? cast.owner.email : null);
  });

  test.each([
    unknown('org'),
    unknown('usr'),
    unknown('mem'),
    unknown('xyz'),
    unknown('vwr'),
    'nonsense',
    '',
    '_',
    'usr_',
  ])('F28 answer the foreign, the unknown and the malformed id "%s" alike', async (id) => {
    const outsider = cast.callers.outsider;
    const foreign = await outsider.send(Node, { id: ids.User ?? '' });
    const other = await outsider.send(Node, { id });
    expect([other.data, other.errors, other.status]).toEqual([foreign.data, foreign.errors, foreign.status]);
  });

  test('F28 hide a profile again when the last shared organization is gone', async () => {
    const ada = await aPerson(app);
    const grace = await aMemberOf(app, ada);
    expect((await ada.send(UserQuery, { id: grace.id })).data.user?.email).toBe(grace.email);
    await app.platform.db.membership.deleteMany({ where: { user: { email: grace.email } } });
    expect((await ada.send(UserQuery, { id: grace.id })).data.user).toBeNull();
    expect((await ada.send(Node, { id: grace.id })).data.node).toBeNull();
  });

  test('take a type’s prefix for no more than it is', async () => {
    const forged = (ids.User ?? '').replace('usr_', 'org_');
    expect((await cast.owner.send(Node, { id: forged })).data.node).toBeNull();
  });

  test('take at most 100 ids', async () => {
    const { codes } = await cast.owner.send(Nodes, { ids: Array.from({ length: 101 }, () => ids.User ?? '') });
    expect(codes).toEqual(['BAD_USER_INPUT']);
  });
});
