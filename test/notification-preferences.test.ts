import { describe, expect, test } from 'vitest';
import { notificationTypes } from '../src/domains/notifications/notification-texts.ts';
import { graphql } from './generated/gql.ts';
import { aCast, callerKinds } from './support/callers.ts';
import { mailsTo, waitForMail } from './support/mailbox.ts';
import { withSecondFactor } from './support/second-factor.ts';
import { anAddress, aPerson, callerWith, InviteMember, type Person, useApp } from './support/world.ts';

const app = useApp();

const Preferences = graphql(`
  query Preferences {
    viewer { unreadNotificationCount notificationPreferences { type channel isEnabled isLocked } }
  }
`);

const SetPreference = graphql(`
  mutation SetPreference($input: UpdateNotificationPreferenceInput!) {
    updateNotificationPreference(input: $input) {
      __typename
      ... on NotificationPreferenceUpdated { notificationPreference { type channel isEnabled isLocked } }
      ... on ValidationFailed { issues { path message } }
    }
  }
`);

async function set(person: Person, type: string, channel: 'IN_APP' | 'EMAIL', isEnabled: boolean) {
  const { data } = await person.send(SetPreference, { input: { type, channel, isEnabled } });
  return data.updateNotificationPreference;
}

async function invite(host: Person, person: Person) {
  const input = { organizationId: host.organizationId, email: person.email, role: 'MEMBER' as const };
  const { data } = await host.send(InviteMember, { input });
  expect(data.inviteMember.__typename).toBe('InvitationSent');
}

const unreadOf = async (person: Person) => (await person.send(Preferences)).data.viewer?.unreadNotificationCount;

describe('notification preferences', () => {
  test('list every type by every channel: in the app on, by mail off, security locked', async () => {
    const ada = await aPerson(app);
    const preferences = (await ada.send(Preferences)).data.viewer?.notificationPreferences ?? [];
    expect(preferences).toHaveLength(notificationTypes.length * 2);
    for (const { type, channel, isEnabled, isLocked } of preferences) {
      const isSecurity = ['session.revokedForReuse', 'mfa.changed'].includes(type);
      expect({ type, isLocked, isEnabled }).toEqual({
        type,
        isLocked: isSecurity,
        isEnabled: isSecurity || channel === 'IN_APP',
      });
    }
  });

  test('switched off in the app, a type is not told there any more, and others are', async () => {
    const [ada, host, other] = [await aPerson(app), await aPerson(app), await aPerson(app)];
    for (let time = 0; time < 2; time += 1) {
      expect(await set(ada, 'invitation.received', 'IN_APP', false)).toEqual({
        __typename: 'NotificationPreferenceUpdated',
        notificationPreference: { type: 'invitation.received', channel: 'IN_APP', isEnabled: false, isLocked: false },
      });
    }
    await invite(host, ada);
    expect(await unreadOf(ada)).toBe(0);
    await withSecondFactor(app, ada);
    expect(await unreadOf(ada)).toBe(1);
    await set(ada, 'invitation.received', 'IN_APP', true);
    await invite(other, ada);
    expect(await unreadOf(ada)).toBe(2);
    // What one person chooses is nothing to another.
    await invite(ada, host);
    expect(await unreadOf(host)).toBe(1);
  });

  test('switched on by mail, a type is mailed, also when it is not told in the app', async () => {
    const [ada, host] = [
      await aPerson(app),
      await aPerson(app, { name: 'win.example/prize', email: anAddress('host') }),
    ];
    await set(ada, 'invitation.received', 'IN_APP', false);
    await set(ada, 'invitation.received', 'EMAIL', true);
    await invite(host, ada);
    const mail = await waitForMail(app, { to: ada.email, subject: 'You are invited to' });
    expect(mail.text).toContain('Accept the invitation to join as a member.');
    expect(mail.html).toContain('You can switch them off in the app.');
    expect(mail.text).not.toContain('win.example/prize');
    expect(await unreadOf(ada)).toBe(0);
  });

  test('cannot switch off what may be the doing of somebody else, nor what there is not', async () => {
    const ada = await aPerson(app);
    for (const channel of ['IN_APP', 'EMAIL'] as const) {
      for (const type of ['mfa.changed', 'session.revokedForReuse']) {
        expect(await set(ada, type, channel, false)).toMatchObject({
          __typename: 'ValidationFailed',
          issues: [{ path: ['isEnabled'] }],
        });
      }
    }
    expect(await set(ada, 'no.such', 'IN_APP', false)).toMatchObject({ issues: [{ path: ['type'] }] });
    expect(await app.platform.db.notificationPreference.count({ where: { user: { email: ada.email } } })).toBe(0);
    // And a row that got there anyway changes nothing.
    const { id: userId } = await app.platform.db.user.findUniqueOrThrow({ where: { email: ada.email } });
    await app.platform.db.notificationPreference.create({
      data: { userId, type: 'mfa.changed', channel: 'IN_APP', isEnabled: false },
    });
    await withSecondFactor(app, ada);
    expect(await unreadOf(ada)).toBe(1);
    const subjects = async () => (await mailsTo(app, ada.email)).map(({ subject }) => subject);
    await expect.poll(subjects).toContain('A second factor was added');
  });

  test('are for whoever is signed in, each for themselves', async () => {
    const { callers } = await aCast(app);
    for (const kind of callerKinds) {
      const input = { type: 'member.joined', channel: 'EMAIL' as const, isEnabled: true };
      const { codes } = await callers[kind].send(SetPreference, { input });
      expect(codes).toEqual(kind === 'anonymous' ? ['UNAUTHENTICATED'] : []);
    }
    expect((await callerWith(app).send(Preferences)).data.viewer).toBeNull();
  });
});
