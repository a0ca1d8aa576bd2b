import { print } from 'graphql';
import { describe, expect, test, vi } from 'vitest';
import { graphql } from './generated/gql.ts';
import { mailsTo, waitForMail } from './support/mailbox.ts';
import { newPassword, RequestReset, ResetPassword, resetTokenFor } from './support/own-account.ts';
import { Ping, Refresh } from './support/session-operations.ts';
import { anAddress, aPerson, callerWith, Login, password, Register, startTestApp, useApp } from './support/world.ts';

const app = useApp();
const wrong = 'not the password at all';

// Guesses come one after another, and each costs a hash.
vi.setConfig({ testTimeout: 60_000 });

const Resend = graphql(`
  mutation ResendVerification($email: String!) {
    resendVerificationEmail(input: { email: $email }) { __typename ... on Accepted { email } }
  }
`);

const login = async (email: string, password: string) =>
  (await callerWith(app).send(Login, { input: { email, password } })).data.login;
const counters = () => app.platform.db.attemptCounter.findMany();
const newestCounter = () => app.platform.db.attemptCounter.findFirst({ orderBy: { lastFailure: 'desc' } });

async function guess(email: string, times: number) {
  const answers = [];
  for (let i = 0; i < times; i += 1) answers.push(await login(email, wrong));
  return answers;
}

/** Lets time go by for the counter that was last changed. */
async function waitOut(seconds: number) {
  const { key = '', lockedUntil = null, lastFailure = new Date() } = (await newestCounter()) ?? {};
  const back = (date: Date) => new Date(date.getTime() - seconds * 1000);
  const data = { lastFailure: back(lastFailure), lockedUntil: lockedUntil && back(lockedUntil) };
  await app.platform.db.attemptCounter.update({ where: { key }, data });
}

describe('wrong passwords', () => {
  test('shut the account for a while, also for the right one, in the same words', async () => {
    const ada = await aPerson(app);
    const [first, ...others] = await guess(ada.email, 11);
    expect(first?.__typename).toBe('InvalidCredentials');
    expect(await login(ada.email, password)).toEqual(first);
    expect(new Set(others.map((answer) => JSON.stringify(answer)))).toEqual(new Set([JSON.stringify(first)]));
  });

  test('do no harm while there are few, and the right one wipes them out', async () => {
    const ada = await aPerson(app);
    for (let round = 0; round < 2; round += 1) {
      await guess(ada.email, 10);
      expect((await login(ada.email, password)).__typename).toBe('SignedIn');
    }
  });

  test('shut it for longer each time, and never for whoever waits', async () => {
    const ada = await aPerson(app);
    await guess(ada.email, 10);
    const waits: number[] = [];
    for (let round = 0; round < 7; round += 1) {
      await guess(ada.email, 1);
      const counter = await newestCounter();
      const seconds = ((counter?.lockedUntil?.getTime() ?? 0) - (counter?.lastFailure.getTime() ?? 0)) / 1000;
      waits.push(seconds);
      await waitOut(seconds + 1);
    }
    expect(waits).toEqual([30, 60, 120, 240, 480, 900, 900]);
    expect((await login(ada.email, password)).__typename).toBe('SignedIn');
  });

  test('are forgotten after a quiet quarter of an hour', async () => {
    const ada = await aPerson(app);
    await guess(ada.email, 10);
    await waitOut(901);
    await guess(ada.email, 9);
    expect((await newestCounter())?.failures).toBe(9);
  });

  test('of twenty at once count one by one', async () => {
    const ada = await aPerson(app);
    await Promise.all(Array.from({ length: 20 }, () => login(ada.email, wrong)));
    // The eleventh shuts it; the others find it shut.
    expect(await newestCounter()).toMatchObject({ failures: 11 });
    expect((await login(ada.email, password)).__typename).toBe('InvalidCredentials');
  });

  test('of twenty at once leave no room for the right one behind them', async () => {
    const ada = await aPerson(app);
    await guess(ada.email, 11);
    const answers = await Promise.all(Array.from({ length: 20 }, () => login(ada.email, password)));
    expect(new Set(answers.map(({ __typename }) => __typename))).toEqual(new Set(['InvalidCredentials']));
  });

  test('for an unknown address count alike, and the table does not say whose address it is', async () => {
    const [known, unknown] = [(await aPerson(app)).email, anAddress('nobody')];
    const answers = [await guess(known, 12), await guess(unknown, 12)];
    expect(answers[1]).toEqual(answers[0]);
    expect(await newestCounter()).toMatchObject({ failures: 11 });
    const table = JSON.stringify(await counters());
    for (const email of [known, unknown]) expect(table).not.toContain(email.split('@')[0]);
  });

  test('for one address in many spellings count together', async () => {
    const ada = await aPerson(app);
    for (let i = 0; i < 11; i += 1) await login(i % 2 ? ada.email.toUpperCase() : ` ${ada.email} `, wrong);
    expect((await login(ada.email, password)).__typename).toBe('InvalidCredentials');
  });

  test('throw nobody out who is in', async () => {
    const ada = await aPerson(app);
    await guess(ada.email, 12);
    expect((await ada.send(Ping)).status).toBe(200);
    const { data } = await callerWith(app).send(Refresh, { refreshToken: ada.refreshToken });
    expect(data.refreshSession.__typename).toBe('SignedIn');
  });

  test('of somebody else do not keep the owner of the mailbox out', async () => {
    const ada = await aPerson(app);
    await guess(ada.email, 12);
    const token = await resetTokenFor(app, ada.email);
    await callerWith(app).send(ResetPassword, { token, newPassword });
    expect((await login(ada.email, newPassword)).__typename).toBe('SignedIn');
  });
});

describe('answers about an address', () => {
  test('are the same and take the same time, whoever has it', async () => {
    const floorMs = 500;
    const slow = await startTestApp({}, { beside: app, timeFloorMs: floorMs });
    const [ada, locked, banned] = [await aPerson(app), await aPerson(app), await aPerson(app)];
    await guess(locked.email, 11);
    await app.platform.db.user.update({ where: { email: banned.email }, data: { lockedAt: new Date() } });
    const addresses = [ada, locked, banned].map(({ email }) => email).concat(anAddress());
    const asked = addresses.flatMap((email) => [
      { email, document: Login, variables: { input: { email, password: wrong } } },
      { email, document: Register, variables: { input: { email, password: newPassword, name: 'Eve' } } },
      { email, document: Resend, variables: { email } },
      { email, document: RequestReset, variables: { email } },
    ]);
    const answers = new Set<string>();
    const durations: number[] = [];
    for (const { email, document, variables } of asked) {
      const startedAt = performance.now();
      const { data, codes } = await callerWith(slow).send<unknown, object>(print(document), variables);
      durations.push(performance.now() - startedAt);
      answers.add(JSON.stringify([data, codes]).replaceAll(email, 'ADDRESS'));
    }
    expect(answers.size).toBe(4);
    expect(Math.min(...durations)).toBeGreaterThanOrEqual(floorMs);
    await slow.close();
  });
});

describe('limits by origin', () => {
  const strict = useApp({ RATE_LIMIT_SCALE: '1', TRUSTED_PROXIES: '127.0.0.1/32' });
  const resend = (ipAddress: string, to: { url: string } = strict) =>
    callerWith(to).send(Resend, { email: anAddress() }, { 'x-forwarded-for': ipAddress });
  /** The codes of `times` calls, ten at once. */
  const codesOf = async (times: number, call: (i: number) => Promise<{ codes: string[] }>) => {
    const codes: string[] = [];
    for (let done = 0; done < times; done += 10) {
      const length = Math.min(10, times - done);
      const answers = await Promise.all(Array.from({ length }, (_, i) => call(done + i)));
      codes.push(...answers.flatMap((answer) => answer.codes));
    }
    return codes;
  };

  test.each([
    ['an IPv4 /24', (i: number) => `192.0.2.${i}`, '198.51.100.1'],
    ['an IPv6 /64', (i: number) => `2001:db8:0:1::${i.toString(16)}`, '2001:db8:0:2::1'],
  ])('hold for %s as one, and for no other', async (_what, addressOf, other) => {
    expect(await codesOf(60, (i) => resend(addressOf(i + 1)))).toEqual([]);
    const refused = await resend(addressOf(100));
    expect([refused.status, refused.codes]).toEqual([200, ['RATE_LIMITED']]);
    const seconds = Number(refused.errors[0]?.extensions?.retryAfterSeconds);
    expect([seconds > 0, seconds <= 3600]).toEqual([true, true]);
    expect((await resend(other)).codes).toEqual([]);
  });

  test('are not escaped by a header that no trusted proxy wrote', async () => {
    const open = await startTestApp({ RATE_LIMIT_SCALE: '1' }, { beside: app });
    const codes = await codesOf(61, (i) => resend(`203.0.${i}.1`, open));
    expect(codes).toEqual(['RATE_LIMITED']);
    await open.close();
  });

  test('of signing in count what was wrong, ten at once too, and not what was right', async () => {
    const ada = await aPerson(strict);
    const from = { 'x-forwarded-for': '203.0.113.5' };
    const tryOut = (email: string, password: string) =>
      callerWith(strict).send(Login, { input: { email, password } }, from);
    for (let i = 0; i < 3; i += 1) expect((await tryOut(ada.email, password)).data.login.__typename).toBe('SignedIn');
    const codes = await codesOf(105, () => tryOut(anAddress(), wrong));
    expect(codes).toEqual(Array.from({ length: 5 }, () => 'RATE_LIMITED'));
    expect((await tryOut(ada.email, password)).codes).toEqual(['RATE_LIMITED']);
  });

  test('of registering hold too', async () => {
    const from = { 'x-forwarded-for': '203.0.114.5' };
    const input = () => ({ input: { email: anAddress(), password, name: 'Eve' } });
    const codes = await codesOf(31, () => callerWith(strict).send(Register, input(), from));
    expect(codes).toEqual(['RATE_LIMITED']);
  });

  test('by recipient let five mails an hour through, and answer the others the same', async () => {
    const [email, from] = [anAddress(), { 'x-forwarded-for': '203.0.115.5' }];
    await callerWith(strict).send(Register, { input: { email, password, name: 'Ada' } }, from);
    const answers = [];
    for (let i = 0; i < 8; i += 1) answers.push((await callerWith(strict).send(Resend, { email }, from)).data);
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    await waitForMail(strict, { to: email, count: 5 });
    const jobs = await strict.platform.db.$queryRaw<unknown[]>`
      SELECT 1 FROM pgboss.job j JOIN users u ON u.id::text = j.data ->> 'userId' WHERE u.email = ${email}`;
    expect([jobs.length, (await mailsTo(strict, email)).length]).toEqual([5, 5]);
  });
});
