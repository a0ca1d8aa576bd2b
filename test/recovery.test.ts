import { describe, expect, test } from 'vitest';
import { mailsTo, waitForMail } from './support/mailbox.ts';
import {
  ConfirmEmailChange,
  changeTokenFor,
  dumpOf,
  formsOf,
  newPassword,
  RequestReset,
  ResetPassword,
  resetTokenFor,
  sendWithForgedHost,
  WhoAmI,
} from './support/own-account.ts';
import { aChallengeFor, freshCode, VerifyChallenge, withSecondFactor } from './support/second-factor.ts';
import {
  anAddress,
  aPerson,
  type Caller,
  callerWith,
  Login,
  password,
  Register,
  signIn,
  useApp,
  VerifyEmail,
} from './support/world.ts';

const app = useApp({ RATE_LIMIT_SCALE: '100' });
const anyone = () => callerWith(app);
const twenty = Array.from({ length: 20 });

const reset = async (token: string, password = newPassword) =>
  (await anyone().send(ResetPassword, { token, newPassword: password })).data.resetPassword;
const login = async (email: string, password: string) =>
  (await anyone().send(Login, { input: { email, password } })).data.login.__typename;
const isSignedIn = async (caller: Caller) => (await caller.send(WhoAmI)).codes.length === 0;
const auditOf = (userId: string) =>
  app.platform.db.auditEntry.findMany({ where: { targetId: userId }, orderBy: { sequence: 'asc' } });
const userOf = (email: string) => app.platform.db.user.findUniqueOrThrow({ where: { email } });

async function waitingForLocks(): Promise<number> {
  const [row] = await app.platform.db.$queryRaw<{ count: number }[]>`
    SELECT count(*)::int AS count FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
  return row?.count ?? 0;
}

async function aWaitingAccount(email = anAddress()): Promise<string> {
  await anyone().send(Register, { input: { email, password, name: 'Ada' } });
  await waitForMail(app, { to: email, subject: 'Confirm' });
  return email;
}

describe('requestPasswordReset', () => {
  test('answers the same for every address, and mails to accounts alone, waiting ones too, locked ones not', async () => {
    const ada = await aPerson(app);
    const waiting = await aWaitingAccount();
    const locked = await aPerson(app);
    await app.platform.db.user.update({ where: { email: locked.email }, data: { lockedAt: new Date() } });
    const stranger = anAddress();
    for (const email of [stranger, locked.email, waiting, ada.email]) {
      const { data, codes } = await anyone().send(RequestReset, { email: ` ${email.toUpperCase()} ` });
      expect([data.requestPasswordReset, codes]).toEqual([{ __typename: 'Accepted', email }, []]);
    }
    const subject = 'Choose a new password';
    const mails = await Promise.all([ada.email, waiting].map((to) => waitForMail(app, { to, subject })));
    for (const mail of mails) expect(mail.text).toContain('http://localhost:3000/reset-password?token=');
    expect(await mailsTo(app, stranger)).toEqual([]);
    expect((await mailsTo(app, locked.email)).map((mail) => mail.subject)).not.toContain(subject);
  });

  test('refuses what is no address', async () => {
    const { data } = await anyone().send(RequestReset, { email: 'nobody' });
    expect(data.requestPasswordReset).toMatchObject({ __typename: 'ValidationFailed', issues: [{ path: ['email'] }] });
  });

  test('F07 mails a link to PUBLIC_APP_URL, whatever host the request names', async () => {
    const { email } = await aPerson(app);
    await sendWithForgedHost(app, `requestPasswordReset(input: { email: "${email}" })`);
    const { text, html } = await waitForMail(app, { to: email, subject: 'Choose a new password' });
    expect(text).toContain('http://localhost:3000/reset-password?token=');
    expect(text + html).not.toContain('evil.example');
  });
});

describe('resetPassword', () => {
  test('sets the password, ends every session, tells the person and signs nobody in', async () => {
    const ada = await aPerson(app);
    const phone = await signIn(app, ada);
    const { id } = await userOf(ada.email);
    expect(await reset(await resetTokenFor(app, ada.email))).toEqual({
      __typename: 'PasswordChanged',
      email: ada.email,
    });
    expect([await isSignedIn(ada), await isSignedIn(phone)]).toEqual([false, false]);
    expect(await app.platform.db.session.count({ where: { userId: id, revokedAt: null } })).toBe(0);
    expect([await login(ada.email, password), await login(ada.email, newPassword)]).toEqual([
      'InvalidCredentials',
      'SignedIn',
    ]);
    await waitForMail(app, { to: ada.email, subject: 'Your password was changed' });
    expect((await auditOf(id)).at(-1)).toMatchObject({ action: 'password.reset', actorKind: 'anonymous' });
  });

  test('confirms the address, because its mail was read', async () => {
    const email = await aWaitingAccount();
    await reset(await resetTokenFor(app, email));
    expect(await login(email, newPassword)).toBe('SignedIn');
  });

  test('F27 leaves the second factor in place, and ends every sign-in that waits for it', async () => {
    const ada = await aPerson(app);
    const factor = await withSecondFactor(app, ada);
    const challengeToken = await aChallengeFor(app, ada);
    await reset(await resetTokenFor(app, ada.email));
    const code = await freshCode(app, ada, factor);
    const { data } = await anyone().send(VerifyChallenge, { challengeToken, code });
    expect(data.verifyMfaChallenge.__typename).toBe('InvalidToken');
    expect(await login(ada.email, newPassword)).toBe('MfaChallenge');
    expect(await app.platform.db.backupCode.count({ where: { user: { email: ada.email }, usedAt: null } })).toBe(10);
  });

  test('leaves nobody in whose old password was found right a moment before', async () => {
    const { email } = await aPerson(app);
    const token = await resetTokenFor(app, email);
    const [resetting, signingIn] = await app.platform.db.$transaction(async (tx) => {
      await tx.$queryRaw`SELECT id FROM users WHERE email = ${email} FOR UPDATE`;
      const resetting = reset(token);
      await expect.poll(waitingForLocks, { timeout: 10_000 }).toBe(1);
      const signingIn = login(email, password);
      await expect.poll(waitingForLocks, { timeout: 10_000 }).toBe(2);
      return [{ kind: resetting.then(({ __typename }) => __typename) }, { kind: signingIn }] as const;
    });
    expect([await resetting.kind, await signingIn.kind]).toEqual(['PasswordChanged', 'InvalidCredentials']);
    expect(await app.platform.db.session.count({ where: { user: { email }, revokedAt: null } })).toBe(0);
  });

  test('lets in at once who was locked out for wrong passwords', async () => {
    const { email } = await aPerson(app);
    for (const _ of twenty.slice(9)) await login(email, 'not the password at all');
    expect(await login(email, password)).toBe('InvalidCredentials');
    await reset(await resetTokenFor(app, email));
    expect(await login(email, newPassword)).toBe('SignedIn');
  });

  test('F14 keeps only a digest of the token', async () => {
    const { email } = await aPerson(app);
    const token = await resetTokenFor(app, email);
    const dump = await dumpOf(app);
    expect(dump).toContain('RESET_PASSWORD');
    for (const form of formsOf(token)) expect(dump).not.toContain(form);
  });

  test('F14 takes a token once, also of twenty at once', async () => {
    const { email } = await aPerson(app);
    const token = await resetTokenFor(app, email);
    const answers = await Promise.all(twenty.map((_, number) => reset(token, `${newPassword} ${number}`)));
    const kinds = answers.map(({ __typename }) => __typename).sort();
    expect(kinds).toEqual([...Array.from({ length: 19 }, () => 'InvalidToken'), 'PasswordChanged']);
    const winner = answers.findIndex(({ __typename }) => __typename === 'PasswordChanged');
    expect(await login(email, `${newPassword} ${winner}`)).toBe('SignedIn');
  });

  test('F14 takes no token after its hour', async () => {
    const { email } = await aPerson(app);
    const token = await resetTokenFor(app, email);
    const { createdAt, expiresAt } = await app.platform.db.emailToken.findFirstOrThrow({ where: { email } });
    expect(expiresAt.getTime() - createdAt.getTime()).toBe(3_600_000);
    await app.platform.db.emailToken.updateMany({ where: { email }, data: { expiresAt: new Date() } });
    expect(await reset(token)).toEqual({ __typename: 'InvalidToken', code: 'INVALID_TOKEN' });
  });

  test('F14 voids the older token when a newer one is mailed', async () => {
    const { email } = await aPerson(app);
    const older = await resetTokenFor(app, email);
    const newer = await resetTokenFor(app, email);
    expect((await reset(older)).__typename).toBe('InvalidToken');
    expect((await reset(newer)).__typename).toBe('PasswordChanged');
  });

  test('F14 voids every other link that is on its way to the person', async () => {
    const ada = await aPerson(app);
    const change = await changeTokenFor(app, ada, anAddress());
    await reset(await resetTokenFor(app, ada.email));
    const { data } = await anyone().send(ConfirmEmailChange, { token: change });
    expect(data.confirmEmailChange.__typename).toBe('InvalidToken');
    expect(await app.platform.db.emailToken.count({ where: { user: { email: ada.email } } })).toBe(0);
  });

  test('takes no token of another kind, and its own is good for nothing else', async () => {
    const ada = await aPerson(app);
    const change = await changeTokenFor(app, ada, anAddress());
    const token = await resetTokenFor(app, ada.email);
    expect((await reset(change)).__typename).toBe('InvalidToken');
    expect((await anyone().send(VerifyEmail, { token })).data.verifyEmail.__typename).toBe('InvalidToken');
    expect((await anyone().send(ConfirmEmailChange, { token })).data.confirmEmailChange.__typename).toBe(
      'InvalidToken',
    );
    expect((await reset(token)).__typename).toBe('PasswordChanged');
  });

  test('does not use the token up for a password that is not acceptable', async () => {
    const maximiliane = await aPerson(app, { name: 'Maximiliane' });
    const token = await resetTokenFor(app, maximiliane.email);
    for (const bad of ['too short', 'a'.repeat(40), 'Maximiliane-1234', `Gatehouse ${maximiliane.email}`, password]) {
      expect(await reset(token, bad)).toMatchObject({
        __typename: 'ValidationFailed',
        issues: [{ path: ['newPassword'] }],
      });
    }
    expect((await reset(token)).__typename).toBe('PasswordChanged');
  });

  test('F21 does nothing for an account that was locked after the mail', async () => {
    const { email } = await aPerson(app);
    const token = await resetTokenFor(app, email);
    const { passwordHash } = await app.platform.db.user.update({ where: { email }, data: { lockedAt: new Date() } });
    expect((await reset(token)).__typename).toBe('InvalidToken');
    expect((await userOf(email)).passwordHash).toBe(passwordHash);
  });

  test.each([[''], ['nonsense'], ['\u0000']])('refuses the token %j', async (token) => {
    expect(await reset(token)).toEqual({ __typename: 'InvalidToken', code: 'INVALID_TOKEN' });
  });
});
