import { beforeAll, describe, expect, test } from 'vitest';
import { aCast, type CallerKind, type Cast } from './support/callers.ts';
import { waitForMail } from './support/mailbox.ts';
import { ChangePassword, newPassword, ResetPassword, resetTokenFor, WhoAmI } from './support/own-account.ts';
import { aPerson, type Caller, callerWith, Login, password, signIn, useApp } from './support/world.ts';

const app = useApp({ RATE_LIMIT_SCALE: '100' });
const anyone = () => callerWith(app);
const twenty = Array.from({ length: 20 });

const reset = async (token: string, password = newPassword) =>
  (await anyone().send(ResetPassword, { token, newPassword: password })).data.resetPassword;
const login = async (email: string, password: string) =>
  (await anyone().send(Login, { input: { email, password } })).data.login.__typename;
const change = async (caller: Caller, currentPassword: string, changed = newPassword) =>
  (await caller.send(ChangePassword, { currentPassword, newPassword: changed })).data.changePassword;
const isSignedIn = async (caller: Caller) => (await caller.send(WhoAmI)).codes.length === 0;
const entriesOn = async (email: string) => {
  const { id } = await app.platform.db.user.findUniqueOrThrow({ where: { email } });
  return app.platform.db.auditEntry.findMany({ where: { targetId: id }, orderBy: { sequence: 'asc' } });
};

describe('changePassword', () => {
  let cast: Cast;
  beforeAll(async () => {
    cast = await aCast(app);
  });

  test.each<[CallerKind, string]>([
    ['anonymous', 'UNAUTHENTICATED'],
    ['outsider', 'PasswordChanged'],
    ['member', 'PasswordChanged'],
    ['admin', 'PasswordChanged'],
    ['owner', 'PasswordChanged'],
    ['superuser without second factor', 'PasswordChanged'],
    ['superuser', 'PasswordChanged'],
  ])('by %s: %s', async (kind, outcome) => {
    const { data, codes } = await cast.callers[kind].send(ChangePassword, { currentPassword: password, newPassword });
    expect(codes[0] ?? data.changePassword.__typename).toBe(outcome);
  });

  test('ends the other sessions and every link on its way, keeps its own session, and tells the person', async () => {
    const ada = await aPerson(app);
    const phone = await signIn(app, ada);
    const token = await resetTokenFor(app, ada.email);
    expect(await change(ada, password)).toEqual({ __typename: 'PasswordChanged', email: ada.email });
    expect([await isSignedIn(ada), await isSignedIn(phone)]).toEqual([true, false]);
    expect((await reset(token, 'yet another phrase of words')).__typename).toBe('InvalidToken');
    expect([await login(ada.email, password), await login(ada.email, newPassword)]).toEqual([
      'InvalidCredentials',
      'SignedIn',
    ]);
    await waitForMail(app, { to: ada.email, subject: 'Your password was changed' });
    expect((await entriesOn(ada.email)).at(-1)).toMatchObject({
      action: 'password.changed',
      actorKind: 'user',
    });
  });

  test('refuses a wrong password, and a new one that is not acceptable', async () => {
    const ada = await aPerson(app);
    expect(await change(ada, 'not the password at all')).toEqual({
      __typename: 'InvalidCredentials',
      code: 'INVALID_CREDENTIALS',
    });
    for (const bad of ['too short', ada.email, password]) {
      expect(await change(ada, password, bad)).toMatchObject({
        __typename: 'ValidationFailed',
        issues: [{ path: ['newPassword'] }],
      });
    }
    expect(await login(ada.email, password)).toBe('SignedIn');
  });

  test('refuses a person without a password as for a wrong one', async () => {
    const ada = await aPerson(app);
    await app.platform.db.user.update({ where: { email: ada.email }, data: { passwordHash: null } });
    expect((await change(ada, password)).__typename).toBe('InvalidCredentials');
    expect((await change(ada, '')).__typename).toBe('InvalidCredentials');
    expect((await reset(await resetTokenFor(app, ada.email))).__typename).toBe('PasswordChanged');
  });

  test('checks no more than ten of twenty wrong passwords at once, and says the same to the right one then', async () => {
    const ada = await aPerson(app);
    const answers = await Promise.all(twenty.map(() => change(ada, 'not the password at all')));
    expect(new Set(answers.map(({ __typename }) => __typename))).toEqual(new Set(['InvalidCredentials']));
    expect(await change(ada, password)).toEqual({ __typename: 'InvalidCredentials', code: 'INVALID_CREDENTIALS' });
    await app.platform.db.attemptCounter.updateMany({ data: { lockedUntil: new Date() } });
    expect((await change(ada, password)).__typename).toBe('PasswordChanged');
  });

  test('lets one of twenty at once win', async () => {
    const ada = await aPerson(app);
    const answers = await Promise.all(twenty.map((_, number) => change(ada, password, `${newPassword} ${number}`)));
    const winners = answers.filter(({ __typename }) => __typename === 'PasswordChanged');
    expect(winners).toHaveLength(1);
    const winner = answers.findIndex(({ __typename }) => __typename === 'PasswordChanged');
    expect(await login(ada.email, `${newPassword} ${winner}`)).toBe('SignedIn');
  });
});
