import { describe, expect, test } from 'vitest';
import { graphql } from './generated/gql.ts';
import { mailsTo, tokenIn, waitForMail } from './support/mailbox.ts';
import {
  anAddress,
  aPerson,
  callerWith,
  Login,
  password,
  Register,
  signIn,
  useApp,
  VerifyEmail,
} from './support/world.ts';

const app = useApp();
const anyone = () => callerWith(app);

const Resend = graphql(`
  mutation ResendVerificationEmail($email: String!) {
    resendVerificationEmail(input: { email: $email }) {
      __typename
      ... on Accepted { email }
      ... on Error { code }
    }
  }
`);

const Me = graphql(`
  query Me {
    viewer {
      id
      email
      emailVerified
      isSuperuser
      user { id name email }
      activeOrganization { id name slug requiresMfa viewerRole members { totalCount edges { node { role user { email } } } } }
      memberships { edges { node { role organization { id } } } }
      session { id isCurrent method mfaSatisfiedAt userAgent }
    }
  }
`);

const register = (input: { email: string; password?: string; name?: string }) =>
  anyone().send(Register, { input: { password, name: 'Ada', ...input } });

async function userRow(email: string) {
  return app.platform.db.user.findUniqueOrThrow({
    where: { email },
    include: { memberships: true, emailTokens: true },
  });
}

describe('register', () => {
  test('makes an account that waits for its address, and mails the link', async () => {
    const email = anAddress();
    const { data } = await register({ email });
    expect(data.register).toEqual({ __typename: 'RegistrationPending', email });
    const mail = await waitForMail(app, { to: email });
    expect(mail.text).toContain('http://localhost:3000/verify-email?token=');
    expect((await userRow(email)).emailVerifiedAt).toBeNull();
  });

  test('F20 gives everyone who registers an organization of their own, as its owner', async () => {
    const email = anAddress();
    await register({ email, name: 'Ada Lovelace' });
    const { memberships } = await userRow(email);
    expect(memberships.map(({ role }) => role)).toEqual(['OWNER']);
  });

  test('answers the same for an address that is taken, and tells its owner by mail', async () => {
    const ada = await aPerson(app);
    const before = await userRow(ada.email);
    const taken = await register({ email: ada.email, password: 'another long enough password', name: 'Eve' });
    const fresh = await register({ email: anAddress() });
    expect(taken.data.register.__typename).toBe(fresh.data.register.__typename);
    await expect.poll(() => mailsTo(app, ada.email)).toHaveLength(2);
    const after = await userRow(ada.email);
    expect([after.name, after.passwordHash]).toEqual([before.name, before.passwordHash]);
  });

  test('lets the newest registration decide while the address is not confirmed', async () => {
    const email = anAddress();
    await register({ email, password: 'the password of somebody else' });
    const first = tokenIn(await waitForMail(app, { to: email }));
    await register({ email });
    await expect.poll(() => mailsTo(app, email)).toHaveLength(2);
    const [newest] = await mailsTo(app, email);
    expect((await anyone().send(VerifyEmail, { token: first })).data.verifyEmail.__typename).toBe('InvalidToken');
    await anyone().send(VerifyEmail, { token: newest ? tokenIn(newest) : '' });
    await signIn(app, { email });
  });

  test.each([
    ['an address that is none', { email: 'not an address' }, ['email']],
    ['a short password', { password: 'too short' }, ['password']],
    ['a password of one letter', { password: 'a'.repeat(40) }, ['password']],
    ['a password made of the name', { name: 'Maximiliane', password: 'Maximiliane-1234' }, ['password']],
    ['an empty name', { name: '  ' }, ['name']],
  ])('refuses %s and writes nothing', async (_what, wrong, path) => {
    const email = anAddress();
    const { data } = await register({ email, ...wrong });
    expect(data.register).toMatchObject({ __typename: 'ValidationFailed', issues: [{ path }] });
    expect(await app.platform.db.user.count({ where: { email } })).toBe(0);
  });

  test('F24 makes one account of twenty sign-ups at once that differ in case', async () => {
    const email = anAddress('Casey');
    const cases = Array.from({ length: 20 }, (_, i) => (i % 2 ? email.toUpperCase() : email));
    const answers = await Promise.all(cases.map((email) => register({ email })));
    expect(answers.map(({ data }) => data.register.__typename)).toEqual(cases.map(() => 'RegistrationPending'));
    expect(await app.platform.db.user.count({ where: { email: email.toLowerCase() } })).toBe(1);
    expect((await userRow(email.toLowerCase())).memberships).toHaveLength(1);
  });
});

describe('verifyEmail', () => {
  test('F14 keeps only a digest of the token', async () => {
    const email = anAddress();
    await register({ email });
    const token = tokenIn(await waitForMail(app, { to: email }));
    const dump = JSON.stringify(
      await app.platform.db.$queryRaw`
      SELECT (SELECT json_agg(t) FROM email_tokens t)::text AS tokens, (SELECT json_agg(j) FROM pgboss.job j)::text AS jobs`,
    );
    expect(dump).not.toContain(token);
    expect(dump).not.toContain(Buffer.from(token).toString('hex'));
    expect(dump).not.toContain(Buffer.from(token, 'base64url').toString('hex'));
  });

  test('F14 takes a token once, also of twenty at once', async () => {
    const email = anAddress();
    await register({ email });
    const token = tokenIn(await waitForMail(app, { to: email }));
    const answers = await Promise.all(Array.from({ length: 20 }, () => anyone().send(VerifyEmail, { token })));
    const kinds = answers.map(({ data }) => data.verifyEmail.__typename).sort();
    expect(kinds).toEqual(['EmailVerified', ...Array.from({ length: 19 }, () => 'InvalidToken')]);
  });

  test('F14 takes no token after its time', async () => {
    const email = anAddress();
    await register({ email });
    const token = tokenIn(await waitForMail(app, { to: email }));
    await app.platform.db.emailToken.updateMany({ where: { email }, data: { expiresAt: new Date() } });
    const { data } = await anyone().send(VerifyEmail, { token });
    expect(data.verifyEmail).toEqual({ __typename: 'InvalidToken', code: 'INVALID_TOKEN' });
  });

  test('F14 voids the older token when a newer one is mailed', async () => {
    const email = anAddress();
    await register({ email });
    const older = tokenIn(await waitForMail(app, { to: email }));
    await anyone().send(Resend, { email: email.toUpperCase() });
    await expect.poll(() => mailsTo(app, email)).toHaveLength(2);
    const [newer] = await mailsTo(app, email);
    expect((await anyone().send(VerifyEmail, { token: older })).data.verifyEmail.__typename).toBe('InvalidToken');
    const { data } = await anyone().send(VerifyEmail, { token: newer ? tokenIn(newer) : '' });
    expect(data.verifyEmail.__typename).toBe('EmailVerified');
  });
});

describe('resendVerificationEmail', () => {
  test('answers the same for a waiting, a confirmed and an unknown address', async () => {
    const ada = await aPerson(app);
    const waiting = anAddress();
    await register({ email: waiting });
    for (const email of [waiting, ada.email, anAddress()]) {
      const { data } = await anyone().send(Resend, { email });
      expect(data.resendVerificationEmail).toEqual({ __typename: 'Accepted', email });
    }
    await expect.poll(() => mailsTo(app, waiting)).toHaveLength(2);
    expect(await mailsTo(app, ada.email)).toHaveLength(1);
  });
});

describe('login', () => {
  test('gives tokens, and the person signed in', async () => {
    const ada = await aPerson(app);
    const { data } = await ada.send(Me);
    expect(data.viewer).toMatchObject({
      id: ada.id.replace('usr_', 'vwr_'),
      email: ada.email,
      emailVerified: true,
      user: { id: ada.id, name: 'Ada', email: ada.email },
      activeOrganization: { id: ada.organizationId, viewerRole: 'OWNER', members: { totalCount: 1 } },
      session: { id: ada.sessionId, isCurrent: true, method: 'PASSWORD', mfaSatisfiedAt: null },
    });
  });

  test('F21 gives no tokens to an address that is not confirmed, and says so only to the right password', async () => {
    const email = anAddress();
    await register({ email });
    const right = await anyone().send(Login, { input: { email, password } });
    const wrong = await anyone().send(Login, { input: { email, password: 'a wrong password of some length' } });
    expect(right.data.login.__typename).toBe('EmailNotVerified');
    expect(wrong.data.login.__typename).toBe('InvalidCredentials');
    expect(await app.platform.db.session.count({ where: { user: { email } } })).toBe(0);
  });

  test('F21 gives no tokens to a locked account, in the words of a wrong password', async () => {
    const ada = await aPerson(app);
    await app.platform.db.user.update({ where: { email: ada.email }, data: { lockedAt: new Date() } });
    const { data } = await anyone().send(Login, { input: { email: ada.email, password } });
    expect(data.login.__typename).toBe('InvalidCredentials');
  });

  test('F24 takes the address in any case', async () => {
    const ada = await aPerson(app);
    await signIn(app, { email: `  ${ada.email.toUpperCase()} ` });
  });

  test.each([
    ['an unknown address', anAddress()],
    ['no address at all', 'nobody'],
    ['an address with a zero byte', 'a\u0000@example.com'],
  ])('refuses %s as a wrong password', async (_what, email) => {
    const { data } = await anyone().send(Login, { input: { email, password } });
    expect(data.login.__typename).toBe('InvalidCredentials');
  });

  test('takes a password typed in another Unicode form', async () => {
    const email = anAddress();
    await register({ email, password: 'r\u00e9sum\u00e9 r\u00e9sum\u00e9 r\u00e9sum\u00e9 2026' });
    await anyone().send(VerifyEmail, { token: tokenIn(await waitForMail(app, { to: email })) });
    const typed = 're\u0301sume\u0301 re\u0301sume\u0301 re\u0301sume\u0301 2026';
    const { data } = await anyone().send(Login, { input: { email, password: typed } });
    expect(data.login.__typename).toBe('SignedIn');
  });
});

describe('viewer', () => {
  test('is null for nobody', async () => {
    expect(await anyone().send(Me)).toMatchObject({ status: 200, data: { viewer: null }, codes: [] });
  });

  test.each([['Bearer nonsense'], ['Basic YTpi'], ['Bearer '], ['']])(
    'refuses the whole request for the credentials "%s"',
    async (authorization) => {
      const { status, codes } = await anyone().send(Me, {}, { authorization });
      expect([status, codes]).toEqual(authorization === '' ? [200, []] : [401, ['UNAUTHENTICATED']]);
    },
  );
});
