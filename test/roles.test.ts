import { beforeAll, describe, expect, test } from 'vitest';
import { graphql } from './generated/gql.ts';
import { aCast, type CallerKind, type Cast, callerKinds } from './support/callers.ts';
import { withSecondFactor } from './support/second-factor.ts';
import { aMemberOf, aPerson, type Person, useApp } from './support/world.ts';

const app = useApp();

const ChangeRole = graphql(`
  mutation ChangeRole($membershipId: ID!, $role: Role!) {
    changeMemberRole(input: { membershipId: $membershipId, role: $role }) {
      __typename
      ... on MembershipUpdated { membership { id role } }
      ... on Error { code }
    }
  }
`);
const Remove = graphql(`
  mutation RemoveMember($id: ID!) {
    removeMember(input: { id: $id }) { __typename ... on MemberRemoved { membershipId } ... on Error { code } }
  }
`);
const Transfer = graphql(`
  mutation TransferOwnership($organizationId: ID!, $toUserId: ID!) {
    transferOwnership(input: { organizationId: $organizationId, toUserId: $toUserId }) {
      __typename
      ... on OwnershipTransferred { organization { id viewerRole } }
      ... on ValidationFailed { issues { path } }
      ... on Error { code }
    }
  }
`);
const Seats = graphql(`
  query Seats($id: ID!) { organization(id: $id) { members(first: 100) { edges { node { id role user { id } } } } } }
`);

/** The seat of a person in the organization of another one. */
async function seatOf(person: Person, owner: Person) {
  const { data } = await owner.send(Seats, { id: owner.organizationId });
  const seats = data.organization?.members.edges.map(({ node }) => node) ?? [];
  return seats.find(({ user }) => user.id === person.id)?.id ?? '';
}

const rolesIn = (owner: Person) =>
  app.platform.db.membership.findMany({
    where: { organization: { memberships: { some: { user: { email: owner.email } } } } },
    select: { role: true },
    orderBy: { id: 'asc' },
  });

const ownersOf = async (owner: Person) => (await rolesIn(owner)).filter(({ role }) => role === 'OWNER').length;

const WhoHasAFactor = graphql(`
  query WhoHasAFactor($id: ID!) {
    organization(id: $id) { members { edges { node { hasSecondFactor } } } }
  }
`);

describe('changeMemberRole', () => {
  let cast: Cast;
  let memberSeat: string;
  beforeAll(async () => {
    cast = await aCast(app);
    memberSeat = await seatOf(cast.callers.member as Person, cast.owner);
  });

  test.each<[CallerKind, string]>([
    ['anonymous', 'UNAUTHENTICATED'],
    ['outsider', 'NOT_FOUND'],
    ['member', 'FORBIDDEN'],
    ['superuser without second factor', 'NOT_FOUND'],
    ['superuser', 'NOT_FOUND'],
    ['admin', 'MembershipUpdated'],
    ['owner', 'MembershipUpdated'],
  ])('by %s: %s', async (kind, outcome) => {
    const before = await rolesIn(cast.owner);
    const role = kind === 'owner' ? 'MEMBER' : 'ADMIN';
    const { data, codes } = await cast.callers[kind].send(ChangeRole, { membershipId: memberSeat, role });
    expect(codes[0] ?? data.changeMemberRole.__typename).toBe(outcome);
    if (outcome !== 'MembershipUpdated') expect(await rolesIn(cast.owner)).toEqual(before);
  });

  test('leaves making and unmaking owners to owners', async () => {
    const { admin, owner } = cast.callers;
    const ownerSeat = await seatOf(cast.owner, cast.owner);
    expect((await admin.send(ChangeRole, { membershipId: memberSeat, role: 'OWNER' })).codes).toEqual(['FORBIDDEN']);
    expect((await admin.send(ChangeRole, { membershipId: ownerSeat, role: 'MEMBER' })).codes).toEqual(['FORBIDDEN']);
    const { data } = await owner.send(ChangeRole, { membershipId: ownerSeat, role: 'ADMIN' });
    expect(data.changeMemberRole).toEqual({ __typename: 'LastOwner', code: 'LAST_OWNER' });
  });

  test('keeps an owner when two demote each other, twenty times at once', async () => {
    const ada = await aPerson(app);
    const bob = await aMemberOf(app, ada, { role: 'OWNER', name: 'Bob' });
    const seats = { ada: await seatOf(ada, ada), bob: await seatOf(bob, ada) };
    await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        i % 2
          ? ada.send(ChangeRole, { membershipId: seats.bob, role: 'MEMBER' })
          : bob.send(ChangeRole, { membershipId: seats.ada, role: 'MEMBER' }),
      ),
    );
    expect(await ownersOf(ada)).toBe(1);
  });

  test('is backed by the database, which refuses to lose the last owner', async () => {
    const ada = await aPerson(app);
    const lose = app.platform.db.membership.updateMany({
      where: { user: { email: ada.email } },
      data: { role: 'MEMBER' },
    });
    await expect(lose).rejects.toThrow();
    expect(await ownersOf(ada)).toBe(1);
  });
});

describe('removeMember', () => {
  test('takes effect at the next request, and the organization is no choice of any session', async () => {
    const ada = await aPerson(app);
    const grace = await aMemberOf(app, ada);
    const see = () => grace.send(Seats, { id: ada.organizationId });
    expect((await see()).data.organization).not.toBeNull();
    await app.platform.db.session.updateMany({
      where: { user: { email: grace.email } },
      data: {
        activeOrganizationId: (
          await app.platform.db.membership.findFirstOrThrow({ where: { user: { email: grace.email } } })
        ).organizationId,
      },
    });
    await ada.send(Remove, { id: await seatOf(grace, ada) });
    expect((await see()).data.organization).toBeNull();
    const sessions = await app.platform.db.session.findMany({ where: { user: { email: grace.email } } });
    expect(sessions.map(({ activeOrganizationId }) => activeOrganizationId)).toEqual(sessions.map(() => null));
    const header = { 'x-organization-id': ada.organizationId };
    expect((await grace.send('{ viewer { id } }', {}, header)).codes).toEqual(['NOT_FOUND']);
  });

  test('lets a member leave, and no one else go without the right', async () => {
    const ada = await aPerson(app);
    const grace = await aMemberOf(app, ada);
    const hal = await aMemberOf(app, ada, { name: 'Hal' });
    const stranger = await aPerson(app);
    const seat = await seatOf(grace, ada);
    expect((await hal.send(Remove, { id: seat })).codes).toEqual(['FORBIDDEN']);
    expect((await stranger.send(Remove, { id: seat })).codes).toEqual(['NOT_FOUND']);
    expect((await grace.send(Remove, { id: seat })).data.removeMember).toEqual({
      __typename: 'MemberRemoved',
      membershipId: seat,
    });
  });

  test('never loses the last owner, of two who leave at once twenty times', async () => {
    const ada = await aPerson(app);
    const bob = await aMemberOf(app, ada, { role: 'OWNER', name: 'Bob' });
    const seats = [await seatOf(ada, ada), await seatOf(bob, ada)];
    await Promise.all(
      Array.from({ length: 20 }, (_, i) => (i % 2 ? bob : ada).send(Remove, { id: seats[i % 2] ?? '' })),
    );
    const left = await app.platform.db.membership.count({
      where: { role: 'OWNER', user: { email: { in: [ada.email, bob.email] } } },
    });
    expect(left).toBe(1);
  });
});

describe('transferOwnership', () => {
  test('makes the other one owner and the caller admin, once, also of twenty at once', async () => {
    const ada = await aPerson(app);
    const bob = await aMemberOf(app, ada, { name: 'Bob' });
    const input = { organizationId: ada.organizationId, toUserId: bob.id };
    const answers = await Promise.all(Array.from({ length: 20 }, () => ada.send(Transfer, input)));
    const outcomes = answers.map(({ data, codes }) => codes[0] ?? data.transferOwnership.__typename);
    expect(outcomes.filter((outcome) => outcome === 'OwnershipTransferred')).toHaveLength(1);
    expect(new Set(outcomes)).toEqual(new Set(['OwnershipTransferred', 'FORBIDDEN']));
    expect(await rolesIn(ada)).toEqual([{ role: 'ADMIN' }, { role: 'OWNER' }]);
  });

  test('wants a fresh sign-in, an owner, and a member to give it to', async () => {
    const ada = await aPerson(app);
    const admin = await aMemberOf(app, ada, { role: 'ADMIN', name: 'Adam' });
    const stranger = await aPerson(app);
    const { organizationId } = ada;
    expect((await admin.send(Transfer, { organizationId, toUserId: admin.id })).codes).toEqual(['FORBIDDEN']);
    expect((await ada.send(Transfer, { organizationId, toUserId: stranger.id })).data.transferOwnership).toMatchObject({
      __typename: 'ValidationFailed',
      issues: [{ path: ['toUserId'] }],
    });
    await app.platform.db.session.updateMany({
      where: { user: { email: ada.email } },
      data: { authenticatedAt: new Date(Date.now() - 11 * 60_000) },
    });
    expect((await ada.send(Transfer, { organizationId, toUserId: admin.id })).codes).toEqual([
      'REAUTHENTICATION_REQUIRED',
    ]);
  });

  test('against the leaving of the one who is to get it, twenty at once, leaves one owner', async () => {
    const ada = await aPerson(app);
    const bob = await aMemberOf(app, ada, { name: 'Bob' });
    const seat = await seatOf(bob, ada);
    const input = { organizationId: ada.organizationId, toUserId: bob.id };
    const transferOrLeave = (_: unknown, at: number) =>
      at % 2 ? bob.send(Remove, { id: seat }) : ada.send(Transfer, input);
    await Promise.all(Array.from({ length: 20 }, transferOrLeave));
    expect(await ownersOf(ada)).toBe(1);
  });

  test('against the leaving of the one who gives it, twenty at once, leaves one owner', async () => {
    const ada = await aPerson(app);
    const bob = await aMemberOf(app, ada, { name: 'Bob' });
    const seat = await seatOf(ada, ada);
    const { organizationId } = ada;
    const transferOrLeave = (_: unknown, at: number) =>
      at % 2 ? ada.send(Remove, { id: seat }) : ada.send(Transfer, { organizationId, toUserId: bob.id });
    await Promise.all(Array.from({ length: 20 }, transferOrLeave));
    expect(await ownersOf(bob)).toBe(1);
  });
});

describe('Membership.hasSecondFactor', () => {
  test('tells admins who would be kept out, and no one else', async () => {
    const { callers, organizationId, owner } = await aCast(app);
    await withSecondFactor(app, owner);
    const outcomes = await Promise.all(
      callerKinds.map(async (kind) => {
        const { data, codes } = await callers[kind].send(WhoHasAFactor, { id: organizationId });
        const edges = data.organization?.members.edges ?? [];
        return [kind, edges.map(({ node }) => node.hasSecondFactor), [...new Set(codes)]];
      }),
    );
    const seen = [[true, false, false], []];
    const hidden = [[null, null, null], ['FORBIDDEN']];
    expect(outcomes).toEqual([
      ['anonymous', [], []],
      ['outsider', [], []],
      ['member', ...hidden],
      ['admin', ...seen],
      ['owner', ...seen],
      ['superuser without second factor', [], []],
      ['superuser', ...seen],
    ]);
  });
});
