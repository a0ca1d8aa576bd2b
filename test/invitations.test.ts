import { beforeAll, describe, expect, test } from 'vitest';
import { graphql } from './generated/gql.ts';
import { aCast, type CallerKind, type Cast } from './support/callers.ts';
import { mailsTo, tokenIn, waitForMail } from './support/mailbox.ts';
import {
  aMemberOf,
  anAddress,
  aPerson,
  callerWith,
  InviteMember,
  type Person,
  password,
  Register,
  signIn,
  useApp,
} from './support/world.ts';

const app = useApp();

const Accept = graphql(`
  mutation AcceptInvitation($input: AcceptInvitationInput!) {
    acceptInvitation(input: $input) {
      __typename
      ... on InvitationAccepted { membership { role user { email } organization { id name members { totalCount } } } }
      ... on Error { code }
    }
  }
`);
const Preview = graphql(`
  query Preview($token: String!) {
    invitation(token: $token) { organizationName inviterName maskedEmail role expiresAt }
  }
`);
const MyInvitations = graphql(`
  query MyInvitations {
    viewer { invitations { id email status role expiresAt organization { id name slug } invitedBy { id } } }
  }
`);

async function invite(inviter: Person, email: string, role?: 'OWNER' | 'ADMIN' | 'MEMBER') {
  const { data, codes } = await inviter.send(InviteMember, {
    input: { organizationId: inviter.organizationId, email, ...(role && { role }) },
  });
  return codes.length > 0 ? { __typename: codes[0] } : data.inviteMember;
}

const tokenFor = async (email: string) => tokenIn(await waitForMail(app, { to: email, subject: 'invite' }));
const rowsFor = (email: string) => app.platform.db.invitation.findMany({ where: { email } });

describe('inviteMember', () => {
  let cast: Cast;
  beforeAll(async () => {
    cast = await aCast(app);
  });

  test.each<[CallerKind, string]>([
    ['anonymous', 'UNAUTHENTICATED'],
    ['outsider', 'NOT_FOUND'],
    ['member', 'FORBIDDEN'],
    ['admin', 'InvitationSent'],
    ['owner', 'InvitationSent'],
    ['superuser without second factor', 'NOT_FOUND'],
    ['superuser', 'NOT_FOUND'],
  ])('by %s: %s', async (kind, outcome) => {
    const { callers, organizationId } = cast;
    const email = anAddress();
    const { data, codes } = await callers[kind].send(InviteMember, { input: { organizationId, email } });
    expect(codes[0] ?? data.inviteMember.__typename).toBe(outcome);
    const isSent = outcome === 'InvitationSent';
    expect(await rowsFor(email)).toHaveLength(isSent ? 1 : 0);
    if (isSent) await waitForMail(app, { to: email });
    else expect(await mailsTo(app, email)).toEqual([]);
  });

  test('mails a link whose page is the app’s, and shows who is asked and what for', async () => {
    const ada = await aPerson(app);
    const email = anAddress('Grace');
    const sent = await invite(ada, email, 'ADMIN');
    expect(sent).toMatchObject({
      invitation: { email: email.toLowerCase(), role: 'ADMIN', status: 'PENDING', invitedBy: { id: ada.id } },
    });
    const mail = await waitForMail(app, { to: email.toLowerCase() });
    expect(mail.text).toContain('http://localhost:3000/invitations?token=');
    expect(mail.html).toContain('Ada');
  });

  test('lets nobody invite above their own role', async () => {
    const { callers, organizationId } = cast;
    const input = { organizationId, email: anAddress(), role: 'OWNER' as const };
    expect((await callers.admin.send(InviteMember, { input })).codes).toEqual(['FORBIDDEN']);
    expect((await callers.owner.send(InviteMember, { input })).data.inviteMember.__typename).toBe('InvitationSent');
  });

  test('refuses members, open invitations and addresses that are none', async () => {
    const ada = await aPerson(app);
    const grace = await aMemberOf(app, ada);
    const email = anAddress();
    await invite(ada, email);
    expect(await invite(ada, grace.email)).toMatchObject({ __typename: 'Conflict', field: 'email' });
    expect(await invite(ada, email.toUpperCase())).toMatchObject({ __typename: 'Conflict', field: 'email' });
    expect(await invite(ada, 'nobody')).toMatchObject({ __typename: 'ValidationFailed' });
  });

  test('makes one invitation of twenty at once', async () => {
    const ada = await aPerson(app);
    const email = anAddress();
    const kinds = (await Promise.all(Array.from({ length: 20 }, () => invite(ada, email)))).map((r) => r.__typename);
    expect(kinds.sort()).toEqual([...Array.from({ length: 19 }, () => 'Conflict'), 'InvitationSent']);
    expect(await rowsFor(email)).toHaveLength(1);
  });

  test('is possible again once the open one has expired', async () => {
    const ada = await aPerson(app);
    const email = anAddress();
    await invite(ada, email);
    await app.platform.db.invitation.updateMany({ where: { email }, data: { expiresAt: new Date() } });
    expect((await invite(ada, email)).__typename).toBe('InvitationSent');
    expect((await rowsFor(email)).map(({ status }) => status).sort()).toEqual(['EXPIRED', 'PENDING']);
  });
});

describe('invitation', () => {
  test('shows the holder of the token little, and others nothing', async () => {
    const ada = await aPerson(app);
    const email = anAddress();
    await invite(ada, email);
    const { data } = await callerWith(app).send(Preview, { token: await tokenFor(email) });
    expect(data.invitation).toMatchObject({
      organizationName: 'Ada’s organization',
      inviterName: 'Ada',
      maskedEmail: 'a•••@example.com',
      role: 'MEMBER',
    });
    expect((await callerWith(app).send(Preview, { token: 'nonsense' })).data.invitation).toBeNull();
  });

  test('F32 keeps the token out of the database, out of job rows and out of every answer', async () => {
    const ada = await aPerson(app);
    const email = anAddress();
    const sent = await invite(ada, email);
    const token = await tokenFor(email);
    const [{ dump = '' } = {}] = await app.platform.db.$queryRaw<{ dump: string }[]>`
      SELECT concat((SELECT json_agg(i) FROM invitations i), (SELECT json_agg(j) FROM pgboss.job j),
                    (SELECT json_agg(a) FROM audit_entries a)) AS dump`;
    for (const form of [token, Buffer.from(token).toString('hex'), Buffer.from(token, 'base64url').toString('hex')]) {
      expect(dump).not.toContain(form);
    }
    expect(JSON.stringify(sent)).not.toContain(token);
    expect(JSON.stringify(app.logLines)).not.toContain(token);
  });
});

describe('acceptInvitation', () => {
  test('makes the invited person a member, by token', async () => {
    const ada = await aPerson(app);
    const grace = await aPerson(app, { name: 'Grace' });
    await invite(ada, grace.email, 'ADMIN');
    const { data } = await grace.send(Accept, { input: { token: await tokenFor(grace.email) } });
    expect(data.acceptInvitation).toMatchObject({
      membership: {
        role: 'ADMIN',
        user: { email: grace.email },
        organization: { id: ada.organizationId, members: { totalCount: 2 } },
      },
    });
  });

  test('works by id from viewer.invitations, which shows no profile of the inviter', async () => {
    const ada = await aPerson(app);
    const grace = await aPerson(app, { name: 'Grace' });
    await invite(ada, grace.email);
    const [open] = (await grace.send(MyInvitations)).data.viewer?.invitations ?? [];
    expect(open).toMatchObject({
      email: grace.email,
      status: 'PENDING',
      organization: { id: ada.organizationId },
      invitedBy: null,
    });
    const { data } = await grace.send(Accept, { input: { invitationId: open?.id ?? '' } });
    expect(data.acceptInvitation.__typename).toBe('InvitationAccepted');
    expect((await grace.send(MyInvitations)).data.viewer?.invitations).toEqual([]);
  });

  test('F32 is for the invited address alone', async () => {
    const ada = await aPerson(app);
    const grace = await aPerson(app, { name: 'Grace' });
    const eve = await aPerson(app, { name: 'Eve' });
    const sent = await invite(ada, grace.email);
    const token = await tokenFor(grace.email);
    const id = 'invitation' in sent ? sent.invitation.id : '';
    for (const input of [{ token }, { invitationId: id }]) {
      expect((await eve.send(Accept, { input })).data.acceptInvitation).toEqual({
        __typename: 'InvalidToken',
        code: 'INVALID_TOKEN',
      });
    }
    expect((await grace.send(Accept, { input: { token } })).data.acceptInvitation.__typename).toBe(
      'InvitationAccepted',
    );
  });

  test('F32 works once, also of twenty at once', async () => {
    const ada = await aPerson(app);
    const grace = await aPerson(app, { name: 'Grace' });
    await invite(ada, grace.email);
    const token = await tokenFor(grace.email);
    const answers = await Promise.all(Array.from({ length: 20 }, () => grace.send(Accept, { input: { token } })));
    const kinds = answers.map(({ data }) => data.acceptInvitation.__typename);
    expect(kinds.filter((kind) => kind === 'InvitationAccepted')).toHaveLength(1);
    expect(await app.platform.db.membership.count({ where: { user: { email: grace.email } } })).toBe(2);
  });

  test('F32 is over with its time, and with its inviter’s right', async () => {
    const ada = await aPerson(app);
    const admin = await aMemberOf(app, ada, { role: 'ADMIN', name: 'Adam' });
    const grace = await aPerson(app, { name: 'Grace' });
    const hal = await aPerson(app, { name: 'Hal' });
    await invite(ada, grace.email);
    await invite(admin, hal.email);
    await app.platform.db.invitation.updateMany({ where: { email: grace.email }, data: { expiresAt: new Date() } });
    await app.platform.db.membership.updateMany({ where: { user: { email: admin.email } }, data: { role: 'MEMBER' } });
    for (const person of [grace, hal]) {
      const { data } = await person.send(Accept, { input: { token: await tokenFor(person.email) } });
      expect(data.acceptInvitation.__typename).toBe('InvalidToken');
    }
  });

  test('wants exactly one of token and id, and a session', async () => {
    const ada = await aPerson(app);
    for (const input of [{}, { token: 'x', invitationId: 'inv_x' }]) {
      expect((await ada.send(Accept, { input })).codes).toEqual(['BAD_USER_INPUT']);
    }
    expect((await callerWith(app).send(Accept, { input: { token: 'x' } })).codes).toEqual(['UNAUTHENTICATED']);
  });
});

describe('register with an invitation', () => {
  test('F20 joins that organization instead of founding one, and needs no further confirmation', async () => {
    const ada = await aPerson(app);
    const grace = await aMemberOf(app, ada, { role: 'ADMIN' });
    expect(grace.organizationId).toBe(ada.organizationId);
    expect(
      await app.platform.db.membership.findMany({ where: { user: { email: grace.email } }, select: { role: true } }),
    ).toEqual([{ role: 'ADMIN' }]);
  });

  test('F32 refuses a token that is not good or is for another address, and makes no account', async () => {
    const ada = await aPerson(app);
    const email = anAddress();
    await invite(ada, email);
    const invitationToken = await tokenFor(email);
    for (const wrong of [
      { email, invitationToken: 'nonsense' },
      { email: anAddress(), invitationToken },
    ]) {
      const { data } = await callerWith(app).send(Register, { input: { name: 'Eve', password, ...wrong } });
      expect(data.register.__typename).toBe('InvalidToken');
      expect(await app.platform.db.user.count({ where: { email: wrong.email } })).toBe(0);
    }
    await callerWith(app).send(Register, { input: { name: 'Grace', password, email, invitationToken } });
    await signIn(app, { email });
  });
});
