import { expect, test } from 'vitest';
import { tellOfEnds } from '../src/domains/api-keys/key-end.service.ts';
import { graphql } from './generated/gql.ts';
import { aKey, aSecuredOwner } from './support/api-keys.ts';
import { later } from './support/later.ts';
import { withSecondFactor } from './support/second-factor.ts';
import { Refresh } from './support/session-operations.ts';
import { aMemberOf, aPerson, InviteMember, type Person, signIn, useApp } from './support/world.ts';

const app = useApp();

const ToldOf = graphql(`
  query ToldOf {
    viewer {
      notifications(unreadOnly: true) {
        unreadCount
        edges { node { type title body data organization { id } } }
      }
    }
  }
`);

const Seats = graphql(`
  query SeatsToTell($id: ID!) { organization(id: $id) { members { edges { node { id user { id } } } } } }
`);

const ChangeRole = graphql(`
  mutation ChangeRoleToTell($membershipId: ID!, $role: Role!) {
    changeMemberRole(input: { membershipId: $membershipId, role: $role }) { __typename }
  }
`);

const Remove = graphql(`
  mutation RemoveToTell($id: ID!) { removeMember(input: { id: $id }) { __typename } }
`);

const RevokeKey = graphql(`
  mutation RevokeKeyToTell($id: ID!) { revokeApiKey(input: { id: $id }) { __typename } }
`);

const Transfer = graphql(`
  mutation TransferToTell($organizationId: ID!, $toUserId: ID!) {
    transferOwnership(input: { organizationId: $organizationId, toUserId: $toUserId }) { __typename }
  }
`);

async function toldTo(person: Person) {
  const { data } = await person.send(ToldOf);
  const nodes = data.viewer?.notifications.edges.map(({ node }) => node) ?? [];
  expect(data.viewer?.notifications.unreadCount).toBe(nodes.length);
  return nodes;
}

async function seatOf(person: Person, owner: Person): Promise<string> {
  const { data } = await owner.send(Seats, { id: owner.organizationId });
  const seats = data.organization?.members.edges.map(({ node }) => node) ?? [];
  return seats.find(({ user }) => user.id === person.id)?.id ?? '';
}

async function anOwnerWithAMember() {
  const owner = await aPerson(app, { name: 'Olga' });
  const member = await aMemberOf(app, owner, { name: 'Mia' });
  return { owner, member, organizationId: owner.organizationId };
}

test('F05 invitation.received is told to whoever is invited', async () => {
  const [ada, host] = [await aPerson(app), await aPerson(app, { name: 'Host' })];
  const input = { organizationId: host.organizationId, email: ada.email, role: 'ADMIN' as const };
  await host.send(InviteMember, { input });
  expect(await toldTo(ada)).toEqual([
    expect.objectContaining({ type: 'invitation.received', body: 'Accept the invitation to join as an admin.' }),
  ]);
  expect(await toldTo(host)).toEqual([]);
});

test('F05 member.joined is told to those who run the organization', async () => {
  const { owner, member, organizationId } = await anOwnerWithAMember();
  expect(await toldTo(owner)).toMatchObject([
    { type: 'member.joined', data: { userId: member.id }, organization: { id: organizationId } },
  ]);
  expect(await toldTo(member)).toEqual([]);
});

test('F05 member.roleChanged is told to whose role it is, once for a change', async () => {
  const { owner, member, organizationId } = await anOwnerWithAMember();
  const membershipId = await seatOf(member, owner);
  await owner.send(ChangeRole, { membershipId, role: 'ADMIN' });
  await owner.send(ChangeRole, { membershipId, role: 'ADMIN' });
  expect(await toldTo(member)).toMatchObject([
    {
      type: 'member.roleChanged',
      body: 'You were a member and are an admin now.',
      data: { membershipId, from: 'MEMBER', to: 'ADMIN' },
      organization: { id: organizationId },
    },
  ]);
});

test('F05 member.removed is told to who is removed, who may look up nothing any more', async () => {
  const { owner, member } = await anOwnerWithAMember();
  await owner.send(Remove, { id: await seatOf(member, owner) });
  expect(await toldTo(member)).toMatchObject([
    { type: 'member.removed', title: expect.stringMatching(/^You were removed from .*Olga/), organization: null },
  ]);
});

test('F05 ownership.transferred is told to the new owner', async () => {
  const { owner, member, organizationId } = await anOwnerWithAMember();
  await owner.send(Transfer, { organizationId, toUserId: member.id });
  expect(await toldTo(member)).toMatchObject([
    { type: 'ownership.transferred', data: { fromUserId: owner.id, toUserId: member.id } },
  ]);
});

test('F05 apiKey.expiring is told to owners and admins a week before a key ends, once, and not of one that was made for a week', async () => {
  const owner = await aSecuredOwner(app);
  const member = await aMemberOf(app, owner, { name: 'Mia' });
  const { id: apiKeyId } = await aKey(app, owner, { name: 'Nightly export', expiresInDays: 8 });
  await aKey(app, owner, { name: 'For a week', expiresInDays: 7 });
  const revoked = await aKey(app, owner, { name: 'Revoked', expiresInDays: 8 });
  await owner.send(RevokeKey, { id: revoked.id });
  const inDays = (days: number) => later(app, days * 86_400_000);
  const told = async (person: Person) => (await toldTo(person)).filter(({ type }) => type === 'apiKey.expiring');

  await tellOfEnds(inDays(0.9));
  expect(await told(owner)).toEqual([]);
  await Promise.all(Array.from({ length: 20 }, () => tellOfEnds(inDays(2))));
  await tellOfEnds(inDays(3));
  const { expiresAt } = await app.platform.db.apiKey.findFirstOrThrow({ where: { name: 'Nightly export' } });
  const endsOn = expiresAt.toISOString().slice(0, 10);
  expect(await told(owner)).toEqual([
    {
      type: 'apiKey.expiring',
      title: 'The API key Nightly export ends soon',
      body: expect.stringContaining(`stop working on ${endsOn} (UTC)`),
      data: { apiKeyId, name: 'Nightly export', endsOn, organizationName: expect.any(String) },
      organization: { id: owner.organizationId },
    },
  ]);
  expect(await told(member)).toEqual([]);
});

test('F05 session.revokedForReuse is told to whose session it was', async () => {
  const ada = await aPerson(app);
  const again = await signIn(app, ada);
  const { data } = await ada.send(Refresh, { refreshToken: ada.refreshToken });
  const next = data.refreshSession.__typename === 'SignedIn' ? (data.refreshSession.refreshToken ?? null) : null;
  await ada.send(Refresh, { refreshToken: next });
  const stolen = await ada.send(Refresh, { refreshToken: ada.refreshToken });
  expect(stolen.data.refreshSession.__typename).toBe('SessionEnded');
  expect(await toldTo(again)).toMatchObject([{ type: 'session.revokedForReuse', organization: null }]);
});

test('F05 mfa.changed is told to the person, though it seems to be their own doing', async () => {
  const ada = await aPerson(app);
  await withSecondFactor(app, ada);
  expect(await toldTo(ada)).toMatchObject([{ type: 'mfa.changed', data: { change: 'enabled' } }]);
});
