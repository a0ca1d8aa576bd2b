import { beforeAll, describe, expect, test } from 'vitest';
import { decodeId } from '../src/platform/typeid.ts';
import { graphql } from './generated/gql.ts';
import { aCast, type CallerKind, type Cast } from './support/callers.ts';
import { aFile } from './support/files.ts';
import { aMemberOf, aPerson, InviteMember, useApp } from './support/world.ts';

const app = useApp();

const Node = graphql(`query Node($id: ID!) { node(id: $id) { __typename id ... on User { email } } }`);
const Nodes = graphql(`query Nodes($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }`);
const UserQuery = graphql(`query User($id: ID!) { user(id: $id) { id name email createdAt } }`);
const Invited = graphql(`query Invited { viewer { invitations { id organization { id } invitedBy { id } } } }`);
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

  test('F28 hide it in what a person who is gone has left behind', async () => {
    const ada = await aPerson(app);
    const grace = await aMemberOf(app, ada);
    const query = `{ node(id: "${await aFile(grace)}") { ... on File { uploadedBy { id } } } }`;
    const uploader = async () => (await ada.send<{ node: { uploadedBy: object | null } }, object>(query)).data.node;
    expect(await uploader()).toEqual({ uploadedBy: { id: grace.id } });
    await app.platform.db.membership.deleteMany({ where: { user: { email: grace.email } } });
    expect(await uploader()).toEqual({ uploadedBy: null });
  });

  test('F28 hide the others from a member without the second factor that the organization wants', async () => {
    const ada = await aPerson(app);
    const grace = await aMemberOf(app, ada);
    const id = decodeId('Organization', ada.organizationId) ?? '';
    await app.platform.db.organization.update({ where: { id }, data: { requiresMfa: true } });
    expect((await grace.send(UserQuery, { id: ada.id })).data.user).toBeNull();
    expect((await grace.send(UserQuery, { id: grace.id })).data.user?.email).toBe(grace.email);
    const { codes } = await grace.send(`{ organization(id: "${ada.organizationId}") { members { totalCount } } }`);
    expect(codes).toEqual(['MFA_REQUIRED']);
  });

  test('F28 show nobody of an organization to a person who is only invited there, nor who invited them', async () => {
    const [ada, grace] = [await aPerson(app), await aPerson(app)];
    await ada.send(InviteMember, { input: { organizationId: ada.organizationId, email: grace.email } });
    const { data } = await grace.send(Invited);
    const [invitation] = data.viewer?.invitations ?? [];
    expect(invitation).toMatchObject({ organization: { id: ada.organizationId }, invitedBy: null });
    for (const people of ['members { totalCount }', 'files { edges { node { uploadedBy { id } } } }']) {
      const query = `{ node(id: "${invitation?.id}") { ... on Invitation { organization { ${people} } } } }`;
      const { codes, data } = await grace.send<{ node: object | null }, object>(query);
      expect([codes, data.node], people).toEqual([['NOT_FOUND'], null]);
    }
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
