import { beforeAll, describe, expect, test } from 'vitest';
import { graphql } from './generated/gql.ts';
import { aCast, type CallerKind, type Cast } from './support/callers.ts';
import { aMemberOf, aPerson, callerWith, InviteMember, type Person, signIn, useApp } from './support/world.ts';

const app = useApp();

const OrganizationQuery = graphql(`
  query Organization($id: ID, $slug: String) {
    organization(id: $id, slug: $slug) { id name slug createdAt requiresMfa viewerRole }
  }
`);
const Members = graphql(`
  query Members($id: ID!, $first: Int, $after: String, $last: Int, $before: String, $search: String, $role: Role) {
    organization(id: $id) {
      members(first: $first, after: $after, last: $last, before: $before, search: $search, role: $role) {
        totalCount
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
        edges { cursor node { id role joinedAt user { id name email } organization { id } } }
      }
    }
  }
`);
const Active = graphql(`query Active { viewer { activeOrganization { id } } }`);
const SetActive = graphql(`
  mutation SetActive($organizationId: ID!) {
    setActiveOrganization(input: { organizationId: $organizationId }) {
      ... on ActiveOrganizationSet { organization { id } viewer { activeOrganization { id } } }
    }
  }
`);
const unknownId = 'org_01h455vb4pex5vsknk084sn02q';

describe('organization', () => {
  let cast: Cast;
  beforeAll(async () => {
    cast = await aCast(app);
  });

  test.each<[CallerKind, string | null]>([
    ['anonymous', null],
    ['outsider', null],
    ['member', 'MEMBER'],
    ['admin', 'ADMIN'],
    ['owner', 'OWNER'],
    ['superuser without second factor', null],
    ['superuser', 'none'],
  ])('is for %s: role %s', async (kind, role) => {
    const { data, codes } = await cast.callers[kind].send(OrganizationQuery, { id: cast.organizationId });
    expect(codes).toEqual([]);
    if (role === null) expect(data.organization).toBeNull();
    else
      expect(data.organization).toMatchObject({ id: cast.organizationId, viewerRole: role === 'none' ? null : role });
    const bySlug = {
      slug: (await cast.owner.send(OrganizationQuery, { id: cast.organizationId })).data.organization?.slug,
    };
    expect((await cast.callers[kind].send(OrganizationQuery, bySlug)).data.organization?.id).toBe(
      data.organization?.id,
    );
  });

  test.each([unknownId, 'usr_01h455vb4pex5vsknk084sn02q', 'nonsense', ''])('is null for the id "%s"', async (id) => {
    expect(await cast.owner.send(OrganizationQuery, { id })).toMatchObject({ data: { organization: null }, codes: [] });
  });

  test('wants exactly one of id and slug', async () => {
    expect((await cast.owner.send(OrganizationQuery, {})).codes).toEqual(['BAD_USER_INPUT']);
    expect((await cast.owner.send(OrganizationQuery, { id: unknownId, slug: 'x' })).codes).toEqual(['BAD_USER_INPUT']);
  });
});

describe('members', () => {
  test('pages forwards and backwards over everyone once, while people join', async () => {
    const owner = await aPerson(app);
    const { organizationId } = owner;
    for (let i = 0; i < 6; i += 1) await aMemberOf(app, owner, { name: `Member${i}` });
    const all = (await owner.send(Members, { id: organizationId, first: 100 })).data.organization?.members;
    const ids = all?.edges.map(({ node }) => node.id) ?? [];
    expect([all?.totalCount, ids.length]).toEqual([7, 7]);

    const seen: string[] = [];
    for (let after: string | null = null, more = true; more; ) {
      const page: NonNullable<typeof all> | undefined = (
        await owner.send(Members, { id: organizationId, first: 3, after })
      ).data.organization?.members;
      if (!page) throw new Error('no page');
      seen.push(...page.edges.map(({ node }) => node.id));
      if (seen.length === 3) await aMemberOf(app, owner, { name: 'Latecomer' });
      after = page.pageInfo.endCursor ?? null;
      more = page.pageInfo.hasNextPage;
    }
    expect(seen.slice(0, 7)).toEqual(ids);
    expect(seen).toHaveLength(8);

    const back = (await owner.send(Members, { id: organizationId, last: 3, before: all?.edges[4]?.cursor ?? '' })).data;
    expect(back.organization?.members.edges.map(({ node }) => node.id)).toEqual(ids.slice(1, 4));
    expect(back.organization?.members.pageInfo).toMatchObject({ hasPreviousPage: true, hasNextPage: true });
  });

  test('finds by name, by address and by role', async () => {
    const owner = await aPerson(app, { name: 'Olivia' });
    const admin = await aMemberOf(app, owner, { name: 'Anton', role: 'ADMIN' });
    const find = async (variables: { search?: string; role?: 'ADMIN' }) => {
      const { data } = await owner.send(Members, { id: owner.organizationId, ...variables });
      return data.organization?.members.edges.map(({ node }) => node.user.id);
    };
    expect(await find({ search: 'ANT' })).toEqual([admin.id]);
    expect(await find({ search: admin.email.slice(0, 12) })).toEqual([admin.id]);
    expect(await find({ role: 'ADMIN' })).toEqual([admin.id]);
    expect(await find({ search: '%' })).toEqual([]);
  });

  test('refuses strange cursors and sizes', async () => {
    const owner = await aPerson(app);
    const id = owner.organizationId;
    const { data } = await owner.send(Members, { id });
    const cursor = data.organization?.members.edges[0]?.cursor ?? '';
    for (const page of [
      { after: 'nonsense' },
      { after: `${cursor.slice(0, -2)}AA` },
      { first: 0 },
      { first: 101 },
      { last: -1 },
      { first: 1, last: 1 },
    ]) {
      expect((await owner.send(Members, { id, ...page })).codes, JSON.stringify(page)).toEqual(['BAD_USER_INPUT']);
    }
  });
});

describe('the active organization', () => {
  test('F06 is the header’s, else the session’s choice, else the oldest membership', async () => {
    const host = await aPerson(app);
    const other = await aPerson(app);
    const guest = await aMemberOf(app, host);
    await joinAs(guest, other);
    const active = async (headers = {}) => (await guest.send(Active, {}, headers)).data.viewer?.activeOrganization?.id;
    expect(await active()).toBe(host.organizationId);
    expect(await active({ 'x-organization-id': other.organizationId })).toBe(other.organizationId);
    const { data } = await guest.send(SetActive, { organizationId: other.organizationId });
    expect(data.setActiveOrganization).toMatchObject({
      organization: { id: other.organizationId },
      viewer: { activeOrganization: { id: other.organizationId } },
    });
    expect(await active()).toBe(other.organizationId);
    expect(await active({ 'x-organization-id': host.organizationId })).toBe(host.organizationId);
  });

  test('F06 is never one that the caller does not belong to: the whole request is refused', async () => {
    const ada = await aPerson(app);
    const stranger = await aPerson(app);
    for (const id of [stranger.organizationId, unknownId, 'nonsense']) {
      const { data, codes } = await ada.send(Active, {}, { 'x-organization-id': id });
      expect([codes, data ?? null], id).toEqual([['NOT_FOUND'], null]);
    }
    expect((await ada.send(SetActive, { organizationId: stranger.organizationId })).codes).toEqual(['NOT_FOUND']);
    expect((await ada.send(Active)).data.viewer?.activeOrganization?.id).toBe(ada.organizationId);
  });

  test('F17 is chosen for one session; another device keeps its own', async () => {
    const host = await aPerson(app);
    const guest = await aMemberOf(app, host);
    const phone = await signIn(app, guest);
    const second = await aPerson(app);
    await joinAs(guest, second);
    await guest.send(SetActive, { organizationId: second.organizationId });
    expect((await guest.send(Active)).data.viewer?.activeOrganization?.id).toBe(second.organizationId);
    expect((await phone.send(Active)).data.viewer?.activeOrganization?.id).toBe(host.organizationId);
  });

  test('is chosen by nobody without a session', async () => {
    const { codes } = await callerWith(app).send(SetActive, { organizationId: unknownId });
    expect(codes).toEqual(['UNAUTHENTICATED']);
  });
});

/** Takes a person on as a member of another one's organization. */
async function joinAs(guest: Person, host: Person) {
  const { data } = await host.send(InviteMember, {
    input: { organizationId: host.organizationId, email: guest.email },
  });
  if (data.inviteMember.__typename !== 'InvitationSent') throw new Error(data.inviteMember.__typename);
  const invitationId = data.inviteMember.invitation.id;
  await guest.send(`mutation { acceptInvitation(input: { invitationId: "${invitationId}" }) { __typename } }`);
}
