import { describe, expect, test } from 'vitest';
import { decodeId } from '../src/platform/typeid.ts';
import { graphql } from './generated/gql.ts';
import { aCast, callerKinds } from './support/callers.ts';
import { tokenIn, waitForMail } from './support/mailbox.ts';
import { aMemberOf, anAddress, aPerson, InviteMember, type Person, useApp } from './support/world.ts';

const app = useApp();

const SetQuota = graphql(`
  mutation SetQuota($input: SetOrganizationQuotaInput!) {
    setOrganizationQuota(input: $input) {
      __typename
      ... on QuotaUpdated { quota { resource limit used remaining resetsAt } }
      ... on ValidationFailed { issues { path message } }
    }
  }
`);

const Quotas = graphql(`
  query Quotas($id: ID!) {
    organization(id: $id) { quotas { resource limit used remaining resetsAt } }
  }
`);

const PlanOf = graphql(`
  query PlanOf($id: ID!) {
    plans { id limits { resource limit } }
    organization(id: $id) { billing { status cancelAtPeriodEnd currentPeriodEnd plan { id } } }
  }
`);

const JoinBy = graphql(`
  mutation JoinBy($token: String!) {
    acceptInvitation(input: { token: $token }) {
      __typename
      ... on QuotaExceeded { resource limit used resetsAt }
    }
  }
`);

const limitTo = (limit: number, organizationId: string) => ({
  input: { organizationId, resource: 'MEMBERS' as const, limit },
});

describe('plans', () => {
  test('are told with the state of an organization that never paid', async () => {
    const owner = await aPerson(app);
    const { data } = await owner.send(PlanOf, { id: owner.organizationId });
    expect(data.plans.map(({ id }) => id)).toEqual(['free', 'team', 'business']);
    expect(data.organization?.billing).toMatchObject({ status: 'NONE', plan: { id: 'free' } });
  });
});

describe('limits', () => {
  test('F12 are changed by whom they concern alone', async () => {
    const { organizationId, callers } = await aCast(app);
    const outcome: Record<string, string> = {};
    for (const kind of callerKinds) {
      const { data, codes } = await callers[kind].send(SetQuota, limitTo(4, organizationId));
      outcome[kind] = codes[0] ?? data.setOrganizationQuota.__typename;
    }
    expect(outcome).toEqual({
      anonymous: 'UNAUTHENTICATED',
      outsider: 'NOT_FOUND',
      member: 'FORBIDDEN',
      admin: 'QuotaUpdated',
      owner: 'QuotaUpdated',
      'superuser without second factor': 'NOT_FOUND',
      superuser: 'QuotaUpdated',
    });
  });

  test('F12 are raised above the plan by a superuser alone', async () => {
    const { organizationId, owner, callers } = await aCast(app);
    const refused = await owner.send(SetQuota, limitTo(26, organizationId));
    expect(refused.data.setOrganizationQuota.__typename).toBe('ValidationFailed');
    await callers.superuser.send(SetQuota, limitTo(30, organizationId));
    const { data } = await owner.send(Quotas, { id: organizationId });
    expect(data.organization?.quotas).toContainEqual({
      resource: 'MEMBERS',
      limit: 30,
      used: 3,
      remaining: 27,
      resetsAt: null,
    });
    const audited = await app.platform.db.auditEntry.count({ where: { action: 'quota.set' } });
    expect(audited).toBeGreaterThan(0);
  });
});

describe('seats', () => {
  test('F29 the last one is taken once by twenty who come at once', async () => {
    const owner = await aPerson(app);
    await aMemberOf(app, owner);
    const guests: { person: Person; token: string }[] = [];
    for (let at = 0; at < 20; at += 1) {
      const email = anAddress('guest');
      const person = await aPerson(app, { email });
      await owner.send(InviteMember, { input: { organizationId: owner.organizationId, email, role: 'MEMBER' } });
      const mail = await waitForMail(app, { to: email, count: 2 });
      guests.push({ person, token: tokenIn(mail) });
    }
    await owner.send(SetQuota, limitTo(3, owner.organizationId));
    const answers = await Promise.all(guests.map(({ person, token }) => person.send(JoinBy, { token })));
    const outcomes = answers.map(({ data }) => data.acceptInvitation);
    expect(outcomes.filter(({ __typename }) => __typename === 'InvitationAccepted')).toHaveLength(1);
    expect(outcomes.filter(({ __typename }) => __typename === 'QuotaExceeded')).toHaveLength(19);
    expect(outcomes).toContainEqual({
      __typename: 'QuotaExceeded',
      resource: 'MEMBERS',
      limit: 3,
      used: 3,
      resetsAt: null,
    });
    const invited = await owner.send(InviteMember, {
      input: { organizationId: owner.organizationId, email: anAddress(), role: 'MEMBER' },
    });
    expect(invited.data.inviteMember.__typename).toBe('QuotaExceeded');
  }, 60_000);

  test('are counted with the people who come and go, in whatever way', async () => {
    const owner = await aPerson(app);
    const { organization, membership, user } = app.platform.db;
    const where = { organizationId: decodeId('Organization', owner.organizationId) ?? '' };
    const [leaving, ending] = [await aMemberOf(app, owner), await aMemberOf(app, owner)];
    const counted = async () => (await organization.findUniqueOrThrow({ where: { id: where.organizationId } })).seats;
    expect([await counted(), await membership.count({ where })]).toEqual([3, 3]);
    await membership.deleteMany({ where: { ...where, user: { email: leaving.email } } });
    await user.delete({ where: { email: ending.email } });
    expect([await counted(), await membership.count({ where })]).toEqual([1, 1]);
  });
});
