import { beforeAll, describe, expect, test } from 'vitest';
import { graphql } from './generated/gql.ts';
import { aCast, type CallerKind, type Cast } from './support/callers.ts';
import { mailsTo, tokenIn, waitForMail } from './support/mailbox.ts';
import { aMemberOf, anAddress, aPerson, InviteMember, type Person, useApp } from './support/world.ts';

const app = useApp();

const Create = graphql(`
  mutation CreateOrganization($name: String!, $slug: String) {
    createOrganization(input: { name: $name, slug: $slug }) {
      __typename
      ... on OrganizationCreated { organization { id name slug viewerRole } }
      ... on ValidationFailed { issues { path } }
      ... on Conflict { field }
    }
  }
`);
const Update = graphql(`
  mutation UpdateOrganization($input: UpdateOrganizationInput!) {
    updateOrganization(input: $input) {
      __typename
      ... on OrganizationUpdated { organization { name slug requiresMfa } }
      ... on ValidationFailed { issues { path } }
      ... on Conflict { field }
    }
  }
`);
const Delete = graphql(`
  mutation DeleteOrganization($id: ID!) {
    deleteOrganization(input: { id: $id }) { __typename ... on OrganizationDeleted { organizationId } }
  }
`);
const Invitations = graphql(`
  query OrganizationInvitations($id: ID!, $status: InvitationStatus) {
    organization(id: $id) { invitations(status: $status) { totalCount edges { node { id email status } } } }
  }
`);
const Resend = graphql(`
  mutation ResendInvitation($id: ID!) { resendInvitation(input: { id: $id }) { __typename ... on Error { code } } }
`);
const Revoke = graphql(`
  mutation RevokeInvitation($id: ID!) {
    revokeInvitation(input: { id: $id }) { __typename ... on InvitationRevoked { invitation { status } } ... on Error { code } }
  }
`);
const Decline = graphql(`
  mutation DeclineInvitation($input: AcceptInvitationInput!) {
    declineInvitation(input: $input) { __typename ... on InvitationDeclined { invitationId } ... on Error { code } }
  }
`);
const AcceptToken = graphql(`
  mutation AcceptToken($token: String!) { acceptInvitation(input: { token: $token }) { __typename } }
`);
const LockUser = graphql(`
  mutation LockUser($id: ID!) {
    lockUser(input: { id: $id }) { __typename ... on UserLockChanged { user { id } lockedAt } ... on Error { code } }
  }
`);
const AdminQuery = graphql(`
  query Admin($search: String) {
    viewer { id }
    admin {
      users(search: $search) { totalCount edges { node { id email } } }
      organizations(first: 2) { pageInfo { hasNextPage } edges { node { id name } } }
    }
  }
`);

const aSlug = () => `team-${anAddress().slice(4, 12)}`;

describe('createOrganization', () => {
  test('makes its founder the owner, with the slug asked for or one of its own', async () => {
    const ada = await aPerson(app);
    const slug = aSlug();
    const chosen = await ada.send(Create, { name: ' Analytical Engines ', slug: slug.toUpperCase() });
    expect(chosen.data.createOrganization).toMatchObject({
      organization: { name: 'Analytical Engines', slug, viewerRole: 'OWNER' },
    });
    const own = await ada.send(Create, { name: 'Größe & Co' });
    expect(own.data.createOrganization).toMatchObject({
      organization: { slug: expect.stringMatching(/^gro-e-co-\w{8}$/) },
    });
  });

  test.each([['admin'], ['a'], ['two--hyphens'], ['-edge'], ['ümlaut']])('refuses the slug "%s"', async (slug) => {
    const ada = await aPerson(app);
    const { data } = await ada.send(Create, { name: 'X', slug });
    expect(data.createOrganization).toMatchObject({ __typename: 'ValidationFailed', issues: [{ path: ['slug'] }] });
  });

  test('gives a slug to one of twenty at once', async () => {
    const ada = await aPerson(app);
    const slug = aSlug();
    const answers = await Promise.all(Array.from({ length: 20 }, () => ada.send(Create, { name: 'X', slug })));
    const kinds = answers.map(({ data }) => data.createOrganization.__typename).sort();
    expect(kinds).toEqual([...Array.from({ length: 19 }, () => 'Conflict'), 'OrganizationCreated']);
  });
});

describe('updateOrganization and deleteOrganization', () => {
  let cast: Cast;
  beforeAll(async () => {
    cast = await aCast(app);
  });

  test.each<[CallerKind, string, string]>([
    ['anonymous', 'UNAUTHENTICATED', 'UNAUTHENTICATED'],
    ['outsider', 'NOT_FOUND', 'NOT_FOUND'],
    ['member', 'FORBIDDEN', 'FORBIDDEN'],
    ['superuser without second factor', 'NOT_FOUND', 'NOT_FOUND'],
    ['superuser', 'NOT_FOUND', 'NOT_FOUND'],
    ['admin', 'OrganizationUpdated', 'FORBIDDEN'],
    ['owner', 'OrganizationUpdated', 'OrganizationDeleted'],
  ])('by %s: %s, %s', async (kind, updated, deleted) => {
    const id = cast.organizationId;
    const update = await cast.callers[kind].send(Update, { input: { id, name: `By ${kind}` } });
    expect(update.codes[0] ?? update.data.updateOrganization.__typename).toBe(updated);
    const row = await app.platform.db.organization.findFirstOrThrow({
      where: { memberships: { some: { user: { email: cast.owner.email } } } },
    });
    expect(row.name === `By ${kind}`).toBe(updated === 'OrganizationUpdated');
    const end = await cast.callers[kind].send(Delete, { id });
    expect(end.codes[0] ?? end.data.deleteOrganization.__typename).toBe(deleted);
  });

  test('ask for a second factor before the organization does', async () => {
    const ada = await aPerson(app);
    const { codes } = await ada.send(Update, { input: { id: ada.organizationId, requiresMfa: true } });
    expect(codes).toEqual(['MFA_REQUIRED']);
  });

  test('refuse a slug that another one has', async () => {
    const ada = await aPerson(app);
    const slug = aSlug();
    await ada.send(Create, { name: 'X', slug });
    const { data } = await ada.send(Update, { input: { id: ada.organizationId, slug } });
    expect(data.updateOrganization).toEqual({ __typename: 'Conflict', field: 'slug' });
  });

  test('take everything of the organization along', async () => {
    const ada = await aPerson(app);
    const grace = await aMemberOf(app, ada);
    await ada.send(InviteMember, { input: { organizationId: ada.organizationId, email: anAddress() } });
    await ada.send(Delete, { id: ada.organizationId });
    expect((await grace.send('{ viewer { activeOrganization { id } } }')).data).toEqual({
      viewer: { activeOrganization: null },
    });
  });
});

describe('invitations of an organization', () => {
  const invite = async (ada: Person, email: string) => {
    const { data } = await ada.send(InviteMember, { input: { organizationId: ada.organizationId, email } });
    return data.inviteMember.__typename === 'InvitationSent' ? data.inviteMember.invitation.id : '';
  };
  const list = async (ada: Person, status?: 'PENDING' | 'REVOKED' | 'EXPIRED' | 'DECLINED' | 'ACCEPTED') => {
    const { data } = await ada.send(Invitations, { id: ada.organizationId, status });
    return data.organization?.invitations?.edges.map(({ node }) => node.email);
  };

  test('F05 list exactly those that stand so, and revoking, declining, accepting and time move them', async () => {
    const ada = await aPerson(app);
    const [grace, hal] = [await aPerson(app, { name: 'Grace' }), await aPerson(app, { name: 'Hal' })];
    const [late, gone] = [anAddress('late'), anAddress('gone')];
    const ids = {
      grace: await invite(ada, grace.email),
      hal: await invite(ada, hal.email),
      gone: await invite(ada, gone),
    };
    await invite(ada, late);
    expect(await list(ada, 'PENDING')).toEqual([grace.email, hal.email, gone, late]);
    await app.platform.db.invitation.updateMany({ where: { email: late }, data: { expiresAt: new Date() } });
    expect((await ada.send(Revoke, { id: ids.gone })).data.revokeInvitation).toMatchObject({
      invitation: { status: 'REVOKED' },
    });
    await hal.send(Decline, { input: { invitationId: ids.hal } });
    await grace.send(AcceptToken, { token: tokenIn(await waitForMail(app, { to: grace.email, subject: 'invite' })) });
    expect(await list(ada, 'PENDING')).toEqual([]);
    expect(await list(ada, 'ACCEPTED')).toEqual([grace.email]);
    expect(await list(ada, 'DECLINED')).toEqual([hal.email]);
    expect(await list(ada, 'REVOKED')).toEqual([gone]);
    expect(await list(ada, 'EXPIRED')).toEqual([late]);
    expect(await list(ada)).toHaveLength(4);
    for (const id of Object.values(ids))
      expect((await ada.send(Revoke, { id })).data.revokeInvitation.__typename).toBe('Conflict');
  });

  test('F32 a resent one has a new token, and the old one is void', async () => {
    const ada = await aPerson(app);
    const grace = await aPerson(app, { name: 'Grace' });
    const id = await invite(ada, grace.email);
    const older = tokenIn(await waitForMail(app, { to: grace.email, subject: 'invite' }));
    await ada.send(Resend, { id });
    await expect.poll(async () => (await mailsTo(app, grace.email)).length).toBe(3);
    const newer = tokenIn(await waitForMail(app, { to: grace.email, subject: 'invite' }));
    expect((await grace.send(AcceptToken, { token: older })).data.acceptInvitation.__typename).toBe('InvalidToken');
    expect((await grace.send(AcceptToken, { token: newer })).data.acceptInvitation.__typename).toBe(
      'InvitationAccepted',
    );
  });

  test('are managed by admins of that organization alone', async () => {
    const ada = await aPerson(app);
    const member = await aMemberOf(app, ada);
    const stranger = await aPerson(app);
    const id = await invite(ada, anAddress());
    for (const [who, code] of [
      [member, 'FORBIDDEN'],
      [stranger, 'NOT_FOUND'],
    ] as const) {
      expect((await who.send(Resend, { id })).codes).toEqual([code]);
      expect((await who.send(Revoke, { id })).codes).toEqual([code]);
      expect((await who.send(Decline, { input: { invitationId: id } })).data.declineInvitation.__typename).toBe(
        'InvalidToken',
      );
    }
    expect((await member.send(Invitations, { id: ada.organizationId })).codes).toEqual(['FORBIDDEN']);
    expect(await list(ada, 'PENDING')).toHaveLength(1);
  });
});

describe('admin', () => {
  test.each<[CallerKind, string | null]>([
    ['anonymous', 'UNAUTHENTICATED'],
    ['outsider', 'FORBIDDEN'],
    ['owner', 'FORBIDDEN'],
    ['superuser without second factor', 'MFA_REQUIRED'],
    ['superuser', null],
  ])('is for %s: %s, and a refusal takes no more than its own field', async (kind, code) => {
    const { callers, owner } = await aCast(app);
    const { data, codes } = await callers[kind].send(AdminQuery, { search: owner.email });
    expect(codes).toEqual(code ? [code] : []);
    if (kind !== 'anonymous') expect(data.viewer).not.toBeNull();
    if (!code)
      expect(data.admin).toMatchObject({ users: { totalCount: 1, edges: [{ node: { email: owner.email } }] } });
    const lock = await callers[kind].send(LockUser, { id: owner.id });
    expect(lock.codes[0] ?? lock.data.lockUser.__typename).toBe(code ?? 'UserLockChanged');
    expect((await callers.owner.send('{ viewer { id } }')).codes).toEqual(code ? [] : ['UNAUTHENTICATED']);
  });
});
