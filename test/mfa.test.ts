import { describe, expect, test } from 'vitest';
import { stepOf } from '../src/domains/mfa/totp.ts';
import { mailsTo, waitForMail } from './support/mailbox.ts';
import { Disable, mfaSteps, Regenerate } from './support/mfa-steps.ts';
import {
  aChallengeFor,
  BeginTotp,
  ConfirmTotp,
  currentStep,
  freshCode,
  signInWithSecondFactor,
  totp,
  withSecondFactor,
} from './support/second-factor.ts';
import { aPerson, callerWith, signIn, useApp } from './support/world.ts';

const app = useApp();
const twenty = Array.from({ length: 20 }, (_, i) => i);
const { begin, verify, confirm, mfaOf, isAlive, wrongCode } = mfaSteps(app);

describe('totp', () => {
  // RFC 6238, appendix B, the last six of eight digits.
  test.each([
    [1_111_111_111, '050471'],
    [1_111_111_109, '081804'],
    [1_234_567_890, '005924'],
    [20_000_000_000, '353130'],
  ])('knows the code of RFC 6238 at second %i', (second, code) => {
    const seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';
    const step = Math.floor(second / 30);
    const at = (offset: number) => stepOf({ seed, code }, new Date((second + offset) * 1000));
    expect([at(0), at(-30), at(30), at(-90), at(90)]).toEqual([step, step, step, null, null]);
    expect(totp(seed, step)).toBe(code);
  });
});

describe('beginTotpEnrollment', () => {
  test('hands out a seed of 160 bits, its URI, and the URI as an SVG', async () => {
    const ada = await aPerson(app);
    const { secret, otpauthUri, qrCode, expiresAt } = await begin(ada);
    expect(secret).toMatch(/^[A-Z2-7]{32}$/);
    const uri = new URL(otpauthUri);
    expect([uri.protocol, uri.host, decodeURIComponent(uri.pathname)]).toEqual([
      'otpauth:',
      'totp',
      `/Gatehouse:${ada.email}`,
    ]);
    expect(uri.searchParams.get('secret')).toBe(secret);
    expect(qrCode).toMatch(/^<svg [^>]*>.*<\/svg>\s*$/s);
    expect(Date.parse(expiresAt) - Date.now()).toBeGreaterThan(590_000);
    expect(Date.parse(expiresAt) - Date.now()).toBeLessThanOrEqual(600_000);
  });

  test('asks for nothing at sign-in before it is confirmed', async () => {
    const ada = await aPerson(app);
    await begin(ada);
    await signIn(app, ada);
    expect(await mfaOf(ada)).toEqual({
      totpEnabled: false,
      totpConfirmedAt: null,
      backupCodesRemaining: 0,
      satisfied: false,
    });
  });

  test('takes the place of an older one that waits', async () => {
    const ada = await aPerson(app);
    const older = await begin(ada);
    const newer = await begin(ada);
    expect(await confirm(ada, totp(older.secret))).toBe('InvalidCode');
    expect(await confirm(ada, totp(newer.secret))).toBe('BackupCodes');
  });

  test('is refused while one is confirmed, which goes on working', async () => {
    const ada = await aPerson(app);
    const factor = await withSecondFactor(app, ada);
    const { data } = await ada.send(BeginTotp);
    expect(data.beginTotpEnrollment).toMatchObject({ __typename: 'Conflict' });
    await signInWithSecondFactor(app, ada, factor);
  });
});

describe('confirmTotpEnrollment', () => {
  test('F03 hands out ten codes of 80 bits, of which the database has none', async () => {
    const ada = await aPerson(app);
    const { backupCodes } = await withSecondFactor(app, ada);
    expect(new Set(backupCodes).size).toBe(10);
    for (const code of backupCodes) expect(code).toMatch(/^([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}$/);
    const [row] = await app.platform.db.$queryRaw<{ dump: string }[]>`
      SELECT (SELECT json_agg(b) FROM backup_codes b)::text || (SELECT json_agg(a) FROM audit_entries a)::text
          || (SELECT json_agg(j) FROM pgboss.job j)::text AS dump`;
    for (const code of backupCodes) {
      expect(row?.dump).not.toContain(code);
      expect(row?.dump).not.toContain(code.replaceAll('-', ''));
    }
    expect(JSON.stringify(app.logLines)).not.toContain(backupCodes[0]);
  });

  test('makes this session one that has passed, ends all others, and tells the person', async () => {
    const ada = await aPerson(app);
    const phone = await signIn(app, ada);
    await withSecondFactor(app, ada);
    expect(await mfaOf(ada)).toMatchObject({ totpEnabled: true, backupCodesRemaining: 10, satisfied: true });
    expect(await isAlive(phone)).toBe(false);
    await expect.poll(() => mailsTo(app, ada.email)).toHaveLength(2);
    const entry = await app.platform.db.auditEntry.findFirst({
      where: { action: 'mfa.enabled', actorUserId: { not: null } },
      orderBy: { id: 'desc' },
    });
    expect(entry?.targetType).toBe('User');
  });

  test('takes no code after ten minutes, and none when nothing is pending', async () => {
    const ada = await aPerson(app);
    expect(await confirm(ada, '123456')).toBe('InvalidCode');
    const { secret } = await begin(ada);
    await app.platform.db.totpEnrollment.updateMany({
      where: { user: { email: ada.email } },
      data: { expiresAt: new Date() },
    });
    expect(await confirm(ada, totp(secret))).toBe('InvalidCode');
  });

  test('makes one factor and ten codes of twenty confirmations at once', async () => {
    const ada = await aPerson(app);
    const { secret } = await begin(ada);
    const kinds = await Promise.all(twenty.map(() => confirm(ada, totp(secret))));
    expect(kinds.filter((kind) => kind === 'BackupCodes')).toHaveLength(1);
    expect(await mfaOf(ada)).toMatchObject({ backupCodesRemaining: 10 });
  });

  test('uses its code up: it is no code to sign in with', async () => {
    const ada = await aPerson(app);
    const { secret } = await begin(ada);
    const code = totp(secret);
    await confirm(ada, code);
    const challenge = await aChallengeFor(app, ada);
    expect(await verify(challenge, code)).toMatchObject({ __typename: 'InvalidCode', attemptsLeft: 4 });
    expect(await verify(challenge, totp(secret, currentStep() + 1))).toMatchObject({ __typename: 'SignedIn' });
  });
});

describe('regenerateBackupCodes', () => {
  test('F03 gives ten new codes, voids all older ones, and tells the person', async () => {
    const ada = await aPerson(app);
    const { backupCodes: older } = await withSecondFactor(app, ada);
    const { data } = await ada.send(Regenerate);
    const newer = data.regenerateBackupCodes.__typename === 'BackupCodes' ? data.regenerateBackupCodes.codes : [];
    expect(new Set([...older, ...newer]).size).toBe(20);
    expect((await verify(await aChallengeFor(app, ada), older[0] ?? '')).__typename).toBe('InvalidCode');
    expect((await verify(await aChallengeFor(app, ada), newer[0] ?? '')).__typename).toBe('SignedIn');
    await waitForMail(app, { to: ada.email, count: 4 });
  });

  test('F03 leaves ten codes, all of one answer, after twenty at once', async () => {
    const ada = await aPerson(app);
    await withSecondFactor(app, ada);
    const answers = await Promise.all(twenty.map(() => ada.send(Regenerate)));
    expect(await mfaOf(ada)).toMatchObject({ backupCodesRemaining: 10 });
    expect(answers.flatMap(({ codes }) => codes)).toEqual([]);
    const first = answers.map(({ data }) =>
      data.regenerateBackupCodes.__typename === 'BackupCodes' ? data.regenerateBackupCodes.codes[0] : undefined,
    );
    const kinds: string[] = [];
    for (const code of first) {
      await app.platform.db.attemptCounter.deleteMany();
      kinds.push((await verify(await aChallengeFor(app, ada), code ?? '')).__typename);
    }
    expect(kinds.filter((kind) => kind === 'SignedIn')).toHaveLength(1);
  });

  test('is refused to a session that has passed no second factor', async () => {
    const ada = await aPerson(app);
    expect((await ada.send(Regenerate)).codes).toEqual(['MFA_REQUIRED']);
  });
});

describe('disableTotp', () => {
  test('F27 ends open challenges and other sessions, and asks for nothing at the next sign-in', async () => {
    const ada = await aPerson(app);
    const factor = await withSecondFactor(app, ada);
    const phone = await signInWithSecondFactor(app, ada, factor);
    const challenge = await aChallengeFor(app, ada);
    const { data } = await ada.send(Disable, { code: await freshCode(app, ada, factor) });
    expect(data.disableTotp).toEqual({
      __typename: 'TotpDisabled',
      mfa: { totpEnabled: false, totpConfirmedAt: null, backupCodesRemaining: 0, satisfied: false },
    });
    expect([await isAlive(ada), await isAlive(phone)]).toEqual([true, false]);
    expect(await verify(challenge, totp(factor.secret, currentStep() + 1))).toMatchObject({ code: 'INVALID_TOKEN' });
    expect(await verify(challenge, factor.backupCodes[0] ?? '')).toMatchObject({ code: 'INVALID_TOKEN' });
    await signIn(app, ada);
    await waitForMail(app, { to: ada.email, count: 3 });
  });

  test('takes a backup code, for the day the authenticator is lost', async () => {
    const ada = await aPerson(app);
    const { backupCodes } = await withSecondFactor(app, ada);
    const { data } = await ada.send(Disable, { code: backupCodes[3] ?? '' });
    expect(data.disableTotp.__typename).toBe('TotpDisabled');
  });

  test('F27 does nothing for a wrong or used code, and counts it for the account', async () => {
    const ada = await aPerson(app);
    const factor = await withSecondFactor(app, ada);
    for (let i = 0; i < 11; i += 1) {
      const { data } = await ada.send(Disable, { code: wrongCode(factor.secret) });
      expect(data.disableTotp).toEqual({ __typename: 'InvalidCode', attemptsLeft: null });
    }
    const { data } = await ada.send(Disable, { code: await freshCode(app, ada, factor) });
    expect(data.disableTotp.__typename).toBe('InvalidCode');
    expect(await mfaOf(ada)).toMatchObject({ totpEnabled: true, satisfied: true });
  });

  test('F27 leaves no session that has passed a factor when a sign-in ends at the same moment', async () => {
    const ada = await aPerson(app);
    const factor = await withSecondFactor(app, ada);
    const challenge = await aChallengeFor(app, ada);
    const code = await freshCode(app, ada, factor);
    await Promise.all([verify(challenge, factor.backupCodes[0] ?? ''), ada.send(Disable, { code })]);
    const alive = await app.platform.db.session.findMany({ where: { user: { email: ada.email }, revokedAt: null } });
    expect(alive).toHaveLength(1);
    expect(alive[0]?.mfaSatisfiedAt).toBeNull();
  });
});

test.each([
  ['beginTotpEnrollment', BeginTotp, {}],
  ['confirmTotpEnrollment', ConfirmTotp, { code: '123456' }],
  ['regenerateBackupCodes', Regenerate, {}],
  ['disableTotp', Disable, { code: '123456' }],
] as const)('%s is refused to nobody', async (_name, document, variables) => {
  expect((await callerWith(app).send(document as typeof Disable, variables as { code: string })).codes).toEqual([
    'UNAUTHENTICATED',
  ]);
});
