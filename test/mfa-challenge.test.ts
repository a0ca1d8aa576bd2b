import { describe, expect, test } from 'vitest';
import { waitForMail } from './support/mailbox.ts';
import { Mfa, mfaSteps } from './support/mfa-steps.ts';
import { aChallengeFor, currentStep, freshCode, totp, withSecondFactor } from './support/second-factor.ts';
import { aPerson, callerWith, Login, password, useApp } from './support/world.ts';

const app = useApp();
const twenty = Array.from({ length: 20 }, (_, i) => i);
const { begin, verify, challengesFor, confirm, mfaOf, kindsOf, wrongCode } = mfaSteps(app);

describe('verifyMfaChallenge', () => {
  test('F21 F27 gives a challenge to the password alone, and tokens to the code after it', async () => {
    const ada = await aPerson(app);
    const factor = await withSecondFactor(app, ada);
    const sessions = () => app.platform.db.session.count({ where: { user: { email: ada.email } } });
    const before = await sessions();
    const { data } = await callerWith(app).send(Login, { input: { email: ada.email, password } });
    if (data.login.__typename !== 'MfaChallenge') throw new Error(data.login.__typename);
    expect(data.login.methods).toEqual(['TOTP', 'BACKUP_CODE']);
    expect(Date.parse(data.login.expiresAt) - Date.now()).toBeLessThanOrEqual(300_000);
    expect(await sessions()).toBe(before);
    const signedIn = await verify(data.login.challengeToken, await freshCode(app, ada, factor));
    expect(signedIn).toMatchObject({
      __typename: 'SignedIn',
      viewer: { mfa: { satisfied: true, backupCodesRemaining: 10 } },
    });
    expect(signedIn.__typename === 'SignedIn' && signedIn.viewer.session.mfaSatisfiedAt).toBeTruthy();
  });

  test('F21 challenges nobody whose password is wrong', async () => {
    const ada = await aPerson(app);
    await withSecondFactor(app, ada);
    const { data } = await callerWith(app).send(Login, {
      input: { email: ada.email, password: 'a wrong password, long' },
    });
    expect(data.login.__typename).toBe('InvalidCredentials');
  });

  test('F27 keeps no challenge that opens anything', async () => {
    const ada = await aPerson(app);
    await withSecondFactor(app, ada);
    const challenge = await aChallengeFor(app, ada);
    const dump = JSON.stringify(await app.platform.db.$queryRaw`SELECT c::text FROM mfa_challenges c`);
    expect(dump).not.toContain(challenge);
    expect(dump).not.toContain(Buffer.from(challenge, 'base64url').toString('hex'));
    expect(JSON.stringify(app.logLines)).not.toContain(challenge);
  });

  test('F27 takes five tries, counts them down, and then no code at all', async () => {
    const ada = await aPerson(app);
    const factor = await withSecondFactor(app, ada);
    const challenge = await aChallengeFor(app, ada);
    const left: unknown[] = [];
    for (let i = 0; i < 5; i += 1) {
      const answer = await verify(challenge, wrongCode(factor.secret));
      left.push(answer.__typename === 'InvalidCode' ? answer.attemptsLeft : answer.__typename);
    }
    expect(left).toEqual([4, 3, 2, 1, 0]);
    expect(await verify(challenge, await freshCode(app, ada, factor))).toMatchObject({ code: 'INVALID_TOKEN' });
  });

  test('F27 checks no more than five of twenty guesses at once', async () => {
    const ada = await aPerson(app);
    const { secret } = await withSecondFactor(app, ada);
    const challenge = await aChallengeFor(app, ada);
    const kinds = kindsOf(await Promise.all(twenty.map(() => verify(challenge, wrongCode(secret)))));
    expect(kinds.filter((kind) => kind === 'InvalidCode')).toHaveLength(5);
    expect(kinds.filter((kind) => kind === 'InvalidToken')).toHaveLength(15);
  });

  test('F27 makes exactly one session of twenty good codes at once', async () => {
    const ada = await aPerson(app);
    const factor = await withSecondFactor(app, ada);
    const challenge = await aChallengeFor(app, ada);
    const code = await freshCode(app, ada, factor);
    const kinds = kindsOf(await Promise.all(twenty.map(() => verify(challenge, code))));
    expect(kinds.filter((kind) => kind === 'SignedIn')).toHaveLength(1);
    expect(kinds.filter((kind) => kind === 'InvalidToken')).toHaveLength(19);
    expect(await app.platform.db.session.count({ where: { user: { email: ada.email } } })).toBe(2);
  });

  test('F27 makes exactly one session of five different backup codes at once, and uses one of them up', async () => {
    const ada = await aPerson(app);
    const { backupCodes } = await withSecondFactor(app, ada);
    const challenge = await aChallengeFor(app, ada);
    const kinds = kindsOf(await Promise.all(backupCodes.slice(0, 5).map((code) => verify(challenge, code))));
    expect(kinds.sort()).toEqual(['InvalidToken', 'InvalidToken', 'InvalidToken', 'InvalidToken', 'SignedIn']);
    expect(await mfaOf(ada)).toMatchObject({ backupCodesRemaining: 9 });
  });

  test('takes a code once, and none older than the newest one used, over all challenges', async () => {
    const ada = await aPerson(app);
    const { secret } = await withSecondFactor(app, ada);
    const [older, newer] = [totp(secret), totp(secret, currentStep() + 1)];
    expect((await verify(await aChallengeFor(app, ada), newer)).__typename).toBe('SignedIn');
    for (const code of [newer, older]) {
      expect((await verify(await aChallengeFor(app, ada), code)).__typename).toBe('InvalidCode');
    }
  });

  test('makes one session of one code on five challenges at once', async () => {
    const ada = await aPerson(app);
    const factor = await withSecondFactor(app, ada);
    const challenges = await challengesFor(ada, 5);
    const code = await freshCode(app, ada, factor);
    const kinds = kindsOf(await Promise.all(challenges.map((challenge) => verify(challenge, code))));
    expect(kinds.sort()).toEqual(['InvalidCode', 'InvalidCode', 'InvalidCode', 'InvalidCode', 'SignedIn']);
  });

  test('F03 takes each backup code exactly once, however it is typed, and mails that one was used', async () => {
    const ada = await aPerson(app);
    const { backupCodes } = await withSecondFactor(app, ada);
    const typed = [
      (code: string) => code,
      (code: string) => code.toLowerCase(),
      (code: string) => code.replaceAll('-', ' '),
      (code: string) => code.replaceAll('-', '').replaceAll('0', 'o').replaceAll('1', 'l'),
    ];
    for (const [i, code] of backupCodes.entries()) {
      const spelling = (typed[i % typed.length] ?? String)(code);
      expect((await verify(await aChallengeFor(app, ada), spelling)).__typename, spelling).toBe('SignedIn');
      expect((await verify(await aChallengeFor(app, ada), code)).__typename).toBe('InvalidCode');
    }
    expect(await mfaOf(ada)).toMatchObject({ backupCodesRemaining: 0 });
    const { data } = await callerWith(app).send(Login, { input: { email: ada.email, password } });
    expect(data.login).toMatchObject({ methods: ['TOTP'] });
    await waitForMail(app, { to: ada.email, count: 12 });
  });

  test('F03 takes a backup code once when five challenges bring it at the same moment', async () => {
    const ada = await aPerson(app);
    const { backupCodes } = await withSecondFactor(app, ada);
    const challenges = await challengesFor(ada, 5);
    const kinds = kindsOf(await Promise.all(challenges.map((challenge) => verify(challenge, backupCodes[0] ?? ''))));
    expect(kinds.filter((kind) => kind === 'SignedIn')).toHaveLength(1);
    expect(await mfaOf(ada)).toMatchObject({ backupCodesRemaining: 9 });
  });

  test('F03 takes nobody else’s backup code', async () => {
    const ada = await aPerson(app);
    const eve = await aPerson(app);
    const { backupCodes } = await withSecondFactor(app, ada);
    await withSecondFactor(app, eve);
    expect((await verify(await aChallengeFor(app, eve), backupCodes[0] ?? '')).__typename).toBe('InvalidCode');
  });

  test('counts wrong codes for the account: new challenges do not start anew', async () => {
    const ada = await aPerson(app);
    const factor = await withSecondFactor(app, ada);
    for (let i = 0; i < 11; i += 1) {
      const challenge = await aChallengeFor(app, ada);
      expect((await verify(challenge, wrongCode(factor.secret))).__typename).toBe('InvalidCode');
    }
    const challenge = await aChallengeFor(app, ada);
    const code = await freshCode(app, ada, factor);
    expect(await verify(challenge, code)).toMatchObject({ __typename: 'InvalidCode', attemptsLeft: 4 });
    await app.platform.db.attemptCounter.updateMany({ data: { lockedUntil: new Date(), lastFailure: new Date(0) } });
    expect((await verify(challenge, code)).__typename).toBe('SignedIn');
  });

  test('takes what is no code at all for a wrong one, and counts it', async () => {
    const ada = await aPerson(app);
    await withSecondFactor(app, ada);
    for (const code of ['', '12345', '1234567', 'abcdef', '１２３４５６', ' ', '\u0000', '9'.repeat(100_000)]) {
      const challenge = await aChallengeFor(app, ada);
      expect(await verify(challenge, code), code).toMatchObject({ code: 'INVALID_CODE', attemptsLeft: 4 });
    }
  });

  test('takes a code with a space in the middle', async () => {
    const ada = await aPerson(app);
    const factor = await withSecondFactor(app, ada);
    const code = await freshCode(app, ada, factor);
    expect((await verify(await aChallengeFor(app, ada), `${code.slice(0, 3)} ${code.slice(3)}`)).__typename).toBe(
      'SignedIn',
    );
  });

  test('F27 knows no challenge that is over, unknown, or of somebody who was locked meanwhile', async () => {
    const ada = await aPerson(app);
    const factor = await withSecondFactor(app, ada);
    const challenge = await aChallengeFor(app, ada);
    await app.platform.db.user.update({ where: { email: ada.email }, data: { lockedAt: new Date() } });
    expect(await verify(challenge, totp(factor.secret))).toMatchObject({ code: 'INVALID_TOKEN' });
    await app.platform.db.user.update({ where: { email: ada.email }, data: { lockedAt: null } });
    await app.platform.db.mfaChallenge.updateMany({
      where: { user: { email: ada.email } },
      data: { expiresAt: new Date() },
    });
    expect(await verify(challenge, totp(factor.secret))).toMatchObject({ code: 'INVALID_TOKEN' });
    expect(await verify('nonsense', '123456')).toMatchObject({ code: 'INVALID_TOKEN' });
  });

  test('lets no sign-in slip past a factor that is confirmed at the same moment', async () => {
    const ada = await aPerson(app);
    const { secret } = await begin(ada);
    const signIns = [1, 2, 3, 4, 5].map(() => callerWith(app).send(Login, { input: { email: ada.email, password } }));
    await confirm(ada, totp(secret));
    const answers = await Promise.all(signIns);
    for (const { data } of answers) {
      if (data.login.__typename !== 'SignedIn') continue;
      expect((await callerWith(app, data.login.accessToken).send(Mfa)).status).toBe(401);
    }
  });
});
