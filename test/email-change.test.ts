import { beforeAll, describe, expect, test } from 'vitest';
import { aCast, type CallerKind, type Cast } from './support/callers.ts';
import { mailsTo, waitForMail } from './support/mailbox.ts';
import {
  ChangeEmail,
  ChangePassword,
  ConfirmEmailChange,
  changeTokenFor,
  dumpOf,
  formsOf,
  newPassword,
  ResetPassword,
  resetTokenFor,
  sendWithForgedHost,
  signedInLongAgo,
  WhoAmI,
} from './support/own-account.ts';
import { anAddress, aPerson, callerWith, InviteMember, Login, password, Register, useApp } from './support/world.ts';

const app = useApp({ RATE_LIMIT_SCALE: '100' });
const anyone = () => callerWith(app);
const twenty = Array.from({ length: 20 });

const confirm = async (token: string) => (await anyone().send(ConfirmEmailChange, { token })).data.confirmEmailChange;
const login = async (email: string) =>
  (await anyone().send(Login, { input: { email, password } })).data.login.__typename;
const rowOf = (email: string) => app.platform.db.user.findUnique({ where: { email } });
const actionsOn = async (targetId: string) =>
  (await app.platform.db.auditEntry.findMany({ where: { targetId } })).map(({ action }) => action);

describe('changeEmail', () => {
  let cast: Cast;
  beforeAll(async () => {
    cast = await aCast(app);
  });

  test.each<[CallerKind, string]>([
    ['anonymous', 'UNAUTHENTICATED'],
    ['outsider', 'Accepted'],
    ['member', 'Accepted'],
    ['admin', 'Accepted'],
    ['owner', 'Accepted'],
    ['superuser without second factor', 'Accepted'],
    ['superuser', 'Accepted'],
  ])('by %s: %s', async (kind, outcome) => {
    const { data, codes } = await cast.callers[kind].send(ChangeEmail, { newEmail: anAddress() });
    expect(codes[0] ?? data.changeEmail.__typename).toBe(outcome);
  });

  test('needs a recent proof of who it is', async () => {
    const ada = await signedInLongAgo(app, await aPerson(app));
    const newEmail = anAddress();
    expect((await ada.send(ChangeEmail, { newEmail })).codes).toEqual(['REAUTHENTICATION_REQUIRED']);
    expect(await mailsTo(app, newEmail)).toEqual([]);
  });

  test('changes nothing before the link is used', async () => {
    const ada = await aPerson(app);
    const newEmail = anAddress();
    const { data } = await ada.send(ChangeEmail, { newEmail: ` ${newEmail.toUpperCase()}` });
    expect(data.changeEmail).toEqual({ __typename: 'Accepted', email: newEmail });
    const mail = await waitForMail(app, { to: newEmail });
    expect(mail.text).toContain('http://localhost:3000/change-email?token=');
    expect([await login(ada.email), await login(newEmail)]).toEqual(['SignedIn', 'InvalidCredentials']);
  });

  test('answers the same for a taken address, whose owner alone hears of it', async () => {
    const ada = await aPerson(app);
    const grace = await aPerson(app, { name: 'Grace' });
    const { data } = await ada.send(ChangeEmail, { newEmail: grace.email });
    expect(data.changeEmail).toEqual({ __typename: 'Accepted', email: grace.email });
    const mail = await waitForMail(app, { to: grace.email, subject: 'You already have an account' });
    expect(mail.text).not.toContain('token=');
    expect(await mailsTo(app, ada.email)).toHaveLength(1);
    expect(await app.platform.db.emailToken.count({ where: { email: grace.email } })).toBe(0);
  });

  test('has nothing to do for the caller’s own address, and refuses what is none', async () => {
    const ada = await aPerson(app);
    const own = await ada.send(ChangeEmail, { newEmail: ada.email.toUpperCase() });
    expect(own.data.changeEmail).toEqual({ __typename: 'Accepted', email: ada.email });
    expect(await app.platform.db.emailToken.count({ where: { email: ada.email } })).toBe(0);
    const { data } = await ada.send(ChangeEmail, { newEmail: 'nobody' });
    expect(data.changeEmail).toMatchObject({ __typename: 'ValidationFailed', issues: [{ path: ['newEmail'] }] });
  });

  test('F07 mails a link to PUBLIC_APP_URL, whatever host the request names', async () => {
    const ada = await aPerson(app);
    const to = anAddress();
    await sendWithForgedHost(app, `changeEmail(input: { newEmail: "${to}" })`, ada.accessToken);
    const { text, html } = await waitForMail(app, { to });
    expect(text).toContain('http://localhost:3000/change-email?token=');
    expect(text + html).not.toContain('evil.example');
  });
});

describe('confirmEmailChange', () => {
  test('moves the account: sessions go on, the former address is told, invitations to the new one appear', async () => {
    const ada = await aPerson(app);
    const olga = await aPerson(app, { name: 'Olga' });
    const newEmail = anAddress();
    await olga.send(InviteMember, { input: { organizationId: olga.organizationId, email: newEmail } });
    expect(await confirm(await changeTokenFor(app, ada, newEmail))).toEqual({
      __typename: 'EmailVerified',
      email: newEmail,
    });
    const { viewer } = (await ada.send(WhoAmI)).data;
    expect([viewer?.email, viewer?.invitations.length]).toEqual([newEmail, 1]);
    expect([await login(ada.email), await login(newEmail)]).toEqual(['InvalidCredentials', 'SignedIn']);
    const { text } = await waitForMail(app, { to: ada.email, subject: 'The address of your account was changed' });
    expect(text).not.toContain(newEmail);
    expect(await actionsOn((await rowOf(newEmail))?.id ?? '')).toContain('email.changed');
  });

  test('F14 keeps only a digest of the token, and no address in a job', async () => {
    const ada = await aPerson(app);
    const newEmail = anAddress();
    const token = await changeTokenFor(app, ada, newEmail);
    const before = await dumpOf(app);
    expect(before).toContain('CHANGE_EMAIL');
    for (const form of formsOf(token)) expect(before).not.toContain(form);
    await confirm(token);
    await waitForMail(app, { to: ada.email, subject: 'The address' });
    const jobs = JSON.stringify(await app.platform.db.$queryRaw`SELECT data::text FROM pgboss.job`);
    expect(jobs).toContain('sealedAddress');
    for (const address of [ada.email, newEmail]) expect(jobs).not.toContain(address);
  });

  test('F14 takes a token once, also of twenty at once', async () => {
    const token = await changeTokenFor(app, await aPerson(app), anAddress());
    const answers = await Promise.all(twenty.map(() => confirm(token)));
    const kinds = answers.map(({ __typename }) => __typename).sort();
    expect(kinds).toEqual(['EmailVerified', ...Array.from({ length: 19 }, () => 'InvalidToken')]);
  });

  test('F14 takes no token after its hour', async () => {
    const email = anAddress();
    const token = await changeTokenFor(app, await aPerson(app), email);
    await app.platform.db.emailToken.updateMany({ where: { email }, data: { expiresAt: new Date() } });
    expect(await confirm(token)).toEqual({ __typename: 'InvalidToken', code: 'INVALID_TOKEN' });
  });

  test('F14 voids the older token when a newer one is mailed, there or elsewhere', async () => {
    const ada = await aPerson(app);
    const [here, elsewhere] = [anAddress(), anAddress()];
    const first = await changeTokenFor(app, ada, here);
    const second = await changeTokenFor(app, ada, here);
    expect((await confirm(first)).__typename).toBe('InvalidToken');
    const third = await changeTokenFor(app, ada, elsewhere);
    expect((await confirm(second)).__typename).toBe('InvalidToken');
    expect(await confirm(third)).toEqual({ __typename: 'EmailVerified', email: elsewhere });
  });

  test('F14 voids every other link that is on its way to the person, and is voided by a new password', async () => {
    const ada = await aPerson(app);
    const reset = await resetTokenFor(app, ada.email);
    await confirm(await changeTokenFor(app, ada, anAddress()));
    const { data } = await anyone().send(ResetPassword, { token: reset, newPassword });
    expect(data.resetPassword.__typename).toBe('InvalidToken');
    const back = await changeTokenFor(app, ada, anAddress());
    await ada.send(ChangePassword, { currentPassword: password, newPassword });
    expect((await confirm(back)).__typename).toBe('InvalidToken');
  });

  test('refuses when the address was taken meanwhile', async () => {
    const ada = await aPerson(app);
    const email = anAddress();
    const token = await changeTokenFor(app, ada, email);
    await anyone().send(Register, { input: { email, password, name: 'Eve' } });
    expect((await confirm(token)).__typename).toBe('InvalidToken');
    expect((await rowOf(ada.email))?.name).toBe('Ada');
    expect((await rowOf(email))?.name).toBe('Eve');
  });

  test('F24 gives an address to one of several who confirm it at once', async () => {
    const people = await Promise.all(Array.from({ length: 8 }, () => aPerson(app)));
    const newEmail = anAddress();
    const tokens: string[] = [];
    for (const person of people) tokens.push(await changeTokenFor(app, person, newEmail));
    const kinds = (await Promise.all(tokens.map(confirm))).map(({ __typename }) => __typename).sort();
    expect(kinds).toEqual(['EmailVerified', ...people.slice(1).map(() => 'InvalidToken')]);
  });

  test('F21 does nothing for an account that was locked after the mail', async () => {
    const ada = await aPerson(app);
    const newEmail = anAddress();
    const token = await changeTokenFor(app, ada, newEmail);
    await app.platform.db.user.update({ where: { email: ada.email }, data: { lockedAt: new Date() } });
    expect((await confirm(token)).__typename).toBe('InvalidToken');
    expect(await rowOf(newEmail)).toBeNull();
  });
});
