import { describe, expect, test } from 'vitest';
import { systemCtx } from '../src/context.ts';
import { sendNotice } from '../src/domains/mail/notices.service.ts';
import { noticeKinds } from '../src/jobs/catalog.ts';
import { graphql } from './generated/gql.ts';
import { mailsTo, waitForMail } from './support/mailbox.ts';
import { DeleteAccount, signedInLongAgo, WhoAmI } from './support/own-account.ts';
import {
  aMemberOf,
  aPerson,
  type Caller,
  callerWith,
  InviteMember,
  password,
  Register,
  useApp,
} from './support/world.ts';

const app = useApp({ RATE_LIMIT_SCALE: '100' });
const anyone = () => callerWith(app);

const UpdateProfile = graphql(`
  mutation UpdateProfile($input: UpdateProfileInput!) {
    updateProfile(input: $input) {
      __typename
      ... on ProfileUpdated { viewer { user { name } } }
      ... on ValidationFailed { issues { path } }
    }
  }
`);
const AcceptById = graphql(`
  mutation AcceptById($invitationId: ID!) {
    acceptInvitation(input: { invitationId: $invitationId }) { __typename ... on Error { code } }
  }
`);

const rowOf = (email: string) => app.platform.db.user.findUnique({ where: { email } });
const remove = async (caller: Caller) => {
  const { data, codes } = await caller.send(DeleteAccount);
  return codes[0] ?? data.deleteAccount.__typename;
};
const actionsOn = async (targetId: string) =>
  (await app.platform.db.auditEntry.findMany({ where: { targetId } })).map(({ action }) => action);

describe('updateProfile', () => {
  test.each<[string, { name?: string | null }, string]>([
    ['a new name', { name: '  Ada Lovelace ' }, 'Ada Lovelace'],
    ['no name', {}, 'Ada'],
    ['null', { name: null }, 'Ada'],
  ])('with %s', async (_what, input, name) => {
    const ada = await aPerson(app);
    const { data } = await ada.send(UpdateProfile, { input });
    expect(data.updateProfile).toEqual({ __typename: 'ProfileUpdated', viewer: { user: { name } } });
  });

  test.each([['   '], ['a'.repeat(101)]])('refuses the name %j', async (name) => {
    const ada = await aPerson(app);
    const { data } = await ada.send(UpdateProfile, { input: { name } });
    expect(data.updateProfile).toEqual({ __typename: 'ValidationFailed', issues: [{ path: ['name'] }] });
  });

  test('is for people who are signed in', async () => {
    expect((await anyone().send(UpdateProfile, { input: { name: 'Eve' } })).codes).toEqual(['UNAUTHENTICATED']);
  });
});

describe('deleteAccount', () => {
  test('takes the person, their sessions and the organization that nobody else is in, and tells the former address', async () => {
    const ada = await aPerson(app);
    const user = await rowOf(ada.email);
    const { data } = await ada.send(DeleteAccount);
    expect(data.deleteAccount).toEqual({ __typename: 'AccountDeleted', userId: ada.id });
    expect((await ada.send(WhoAmI)).codes).toEqual(['UNAUTHENTICATED']);
    expect(await rowOf(ada.email)).toBeNull();
    const { db } = app.platform;
    const left = { userId: user?.id ?? '' };
    expect([await db.session.count({ where: left }), await db.membership.count({ where: left })]).toEqual([0, 0]);
    const [organization] = await db.auditEntry.findMany({
      where: { action: 'organization.deleted', actorUserId: left.userId },
    });
    expect(await db.organization.count({ where: { id: organization?.targetId ?? '' } })).toBe(0);
    expect(await actionsOn(left.userId)).toEqual(expect.arrayContaining(['account.registered', 'account.deleted']));
    await waitForMail(app, { to: ada.email, subject: 'Your account was deleted' });
    await anyone().send(Register, { input: { email: ada.email, password, name: 'Ada' } });
    await waitForMail(app, { to: ada.email, subject: 'Confirm', count: 2 });
  });

  test('needs a recent proof of who it is, and somebody', async () => {
    const ada = await signedInLongAgo(app, await aPerson(app));
    expect([await remove(ada), await remove(anyone())]).toEqual(['REAUTHENTICATION_REQUIRED', 'UNAUTHENTICATED']);
    expect(await rowOf(ada.email)).not.toBeNull();
  });

  test('is refused to the last owner of an organization with other members', async () => {
    const ada = await aPerson(app);
    const grace = await aMemberOf(app, ada, { role: 'ADMIN' });
    expect([await remove(ada), await rowOf(ada.email)]).toEqual(['LastOwner', expect.anything()]);
    expect(await remove(grace)).toBe('AccountDeleted');
    expect(await remove(ada)).toBe('AccountDeleted');
  });

  test('leaves an organization to its other owner', async () => {
    const ada = await aPerson(app);
    const olga = await aMemberOf(app, ada, { role: 'OWNER', name: 'Olga' });
    expect(await remove(ada)).toBe('AccountDeleted');
    const seats = await app.platform.db.membership.findMany({ where: { user: { email: olga.email } } });
    expect(seats.map(({ role }) => role)).toEqual(['OWNER']);
    const left = await app.platform.db.auditEntry.count({
      where: { action: 'member.left', chainId: seats[0]?.organizationId ?? '' },
    });
    expect(left).toBe(1);
  });

  test('leaves one of ten owners who go at once', async () => {
    const ada = await aPerson(app);
    await aMemberOf(app, ada, { name: 'Mia' });
    const owners = [ada];
    while (owners.length < 10) owners.push(await aMemberOf(app, ada, { role: 'OWNER' }));
    const outcomes = await Promise.all(owners.map(remove));
    expect(outcomes.sort()).toEqual([...Array.from({ length: 9 }, () => 'AccountDeleted'), 'LastOwner']);
  });

  test('leaves no organization without an owner when somebody joins at the same moment', async () => {
    for (let round = 0; round < 3; round += 1) {
      const [ada, grace] = [await aPerson(app), await aPerson(app, { name: 'Grace' })];
      await ada.send(InviteMember, { input: { organizationId: ada.organizationId, email: grace.email } });
      const invitationId = (await grace.send(WhoAmI)).data.viewer?.invitations[0]?.id ?? '';
      const [deletion, joining] = await Promise.all([remove(ada), grace.send(AcceptById, { invitationId })]);
      expect(joining.codes).toEqual([]);
      const outcome = `${deletion} ${joining.data.acceptInvitation.__typename}`;
      expect(['AccountDeleted InvalidToken', 'LastOwner InvitationAccepted']).toContain(outcome);
      expect(await app.platform.db.organization.count({ where: { memberships: { none: { role: 'OWNER' } } } })).toBe(0);
    }
  });
});

describe('a security notice', () => {
  test('of every kind is mailed to the person, with their name and a way into the app', async () => {
    const ada = await aPerson(app);
    const userId = (await rowOf(ada.email))?.id ?? '';
    for (const kind of noticeKinds) await sendNotice(systemCtx(app.platform), { userId, kind });
    await expect.poll(() => mailsTo(app, ada.email), { timeout: 10_000 }).toHaveLength(noticeKinds.length + 1);
    const notices = (await mailsTo(app, ada.email)).filter(({ subject }) => !subject.includes('Confirm'));
    expect(new Set(notices.map(({ subject }) => subject)).size).toBe(noticeKinds.length);
    for (const { text } of notices) expect(text).toMatch(/^Hello Ada,\n.*http:\/\/localhost:3000\n/s);
    expect(notices.map((mail) => mail.text).join()).not.toMatch(/token=|undefined|null/);
  });
});
