import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { systemCtx } from '../src/context.ts';
import { enqueue } from '../src/jobs/queue.ts';
import { encodeId } from '../src/platform/typeid.ts';
import { RetryDeadLetter } from './support/dead-letters.ts';
import { dumpDatabase } from './support/dump.ts';
import { RequestReset, ResetPassword } from './support/own-account.ts';
import { type Delivery, type PostOffice, type Reply, startPostOffice } from './support/post-office.ts';
import { signInWithSecondFactor, withSecondFactor } from './support/second-factor.ts';
import {
  anAddress,
  callerWith,
  InviteMember,
  password,
  Register,
  signIn,
  startTestApp,
  type TestApp,
  VerifyEmail,
} from './support/world.ts';

let office: PostOffice;
let app: TestApp;
/** What the office says to an address, in turn; then it takes the mail. */
const replies = new Map<string, Reply[]>();
/** Addresses whose mails are never answered. */
const silent = new Set<string>();

beforeAll(async () => {
  office = await startPostOffice((address) => (silent.has(address) ? 'hang' : (replies.get(address)?.shift() ?? null)));
  app = await startTestApp(
    { SMTP_URL: office.url, JOB_RETRY_DELAY_SECONDS: '0', MAIL_FROM: 'Gatehouse <no-reply@gatehouse.example>' },
    { mailWaits: { connectionMs: 5_000, silenceMs: 1_500 } },
  );
});
afterAll(async () => {
  await app.close();
  await office.close();
});

/** Registers an address for which the office has these answers. */
async function register(...answers: Reply[]): Promise<string> {
  const email = anAddress();
  replies.set(email, answers);
  await callerWith(app).send(Register, { input: { email, password, name: 'Ada' } });
  return email;
}

const mailsTo = (email: string) => office.deliveries.filter(({ recipients }) => recipients.includes(email));
const tokenIn = ({ body }: Delivery) => /[?&]token=([\w%-]+)/.exec(body)?.[1] ?? '';
const messageIdOf = ({ headers }: Delivery) => /^Message-ID: (\S+)$/im.exec(headers)?.[1] ?? '';

function delivered(email: string, count = 1): Promise<Delivery[]> {
  const look = () => {
    const mails = mailsTo(email);
    expect(mails.length).toBeGreaterThanOrEqual(count);
    return mails;
  };
  return vi.waitFor(look, { timeout: 20_000, interval: 30 });
}

async function verify(token: string): Promise<string> {
  return (await callerWith(app).send(VerifyEmail, { token })).data.verifyEmail.__typename;
}

async function userIdOf(email: string): Promise<string> {
  return (await app.platform.db.user.findUniqueOrThrow({ where: { email } })).id;
}

/** The runs of the jobs for a person, once there are that many. */
async function runs(jobId: string): Promise<unknown[]> {
  return app.logLines.filter((line) => line.msg === 'job' && line.jobId === jobId).map(({ outcome }) => outcome);
}

async function letterFor(email: string) {
  const userId = await userIdOf(email);
  const look = () =>
    app.platform.db.deadLetter.findFirstOrThrow({ where: { payload: { path: ['userId'], equals: userId } } });
  return vi.waitFor(look, { timeout: 15_000, interval: 50 });
}

describe('a mail that is not taken now', () => {
  test.each<[string, Reply]>([
    ['refused for now (451)', 451],
    ['never answered', 'hang'],
  ])('%s: is tried again and arrives once, with a link that works', async (_what, reply) => {
    const email = await register(reply, reply);
    const [mail] = await delivered(email);
    expect(await verify(tokenIn(mail as Delivery))).toBe('EmailVerified');
    expect(mailsTo(email)).toHaveLength(1);
    expect(await app.platform.db.deadLetter.count({ where: { queue: 'account.sendVerificationEmail' } })).toBe(0);
  });

  test('cut off after it was handed over: both copies have one Message-ID and the link that works', async () => {
    const email = await register('cut');
    const [first, second] = (await delivered(email, 2)) as [Delivery, Delivery];
    expect(messageIdOf(first)).toMatch(/^<[0-9a-f]{40}@gatehouse\.example>$/);
    expect(messageIdOf(second)).toBe(messageIdOf(first));
    expect(tokenIn(second)).toBe(tokenIn(first));
    expect(await verify(tokenIn(first))).toBe('EmailVerified');
  });

  test('of two jobs is two mails: another Message-ID, and the older link is void', async () => {
    const email = await register();
    const [first] = (await delivered(email)) as [Delivery];
    await enqueue(systemCtx(app.platform), 'account.sendVerificationEmail', { userId: await userIdOf(email) });
    const [, second] = (await delivered(email, 2)) as [Delivery, Delivery];
    expect(messageIdOf(second)).not.toBe(messageIdOf(first));
    expect(await verify(tokenIn(first))).toBe('InvalidToken');
    expect(await verify(tokenIn(second))).toBe('EmailVerified');
  });

  test('F14 brings no used link back: after a reset the same job mails another one', async () => {
    const email = await register();
    await verify(tokenIn((await delivered(email))[0] as Delivery));
    replies.set(email, ['cut', 451, 451, 451, 451, 451, 451]);
    await callerWith(app).send(RequestReset, { email });
    const first = (await delivered(email, 2))[1] as Delivery;
    const newPassword = 'another horse, another staple';
    const { data } = await callerWith(app).send(ResetPassword, { token: tokenIn(first), newPassword });
    expect(data.resetPassword.__typename).toBe('PasswordChanged');
    const reset = () => mailsTo(email).filter(({ body }) => body.includes('/reset-password?'));
    await vi.waitFor(() => expect(reset()).toHaveLength(2), { timeout: 20_000, interval: 50 });
    const again = reset()[1] as Delivery;
    expect(tokenIn(again)).not.toBe(tokenIn(first));
    const used = await callerWith(app).send(ResetPassword, { token: tokenIn(first), newPassword });
    expect(used.data.resetPassword.__typename).toBe('InvalidToken');
  });
});

describe('a mail that is refused for good', () => {
  test('is a dead letter after one attempt; the address is in neither', async () => {
    const email = await register(554);
    const letter = await letterFor(email);
    expect(letter).toMatchObject({ queue: 'account.sendVerificationEmail', attempts: 1 });
    expect(letter.error).toContain('5.7.1 this looks like spam');
    expect(await runs(letter.jobId)).toEqual(['failed']);
    expect(await app.platform.db.mailSuppression.count({ where: { email } })).toBe(0);
    expect(mailsTo(email)).toEqual([]);
  });

  test('by a full mailbox suppresses nothing', async () => {
    const email = await register(552);
    await letterFor(email);
    expect(await app.platform.db.mailSuppression.count({ where: { email } })).toBe(0);
  });

  test('since there is no such mailbox, keeps further mails from it, until a superuser’s retry arrives', async () => {
    const email = await register(550);
    const letter = await letterFor(email);
    expect(letter.error).toContain('5.1.1 <[address]> has no mailbox here');
    expect(JSON.stringify(letter)).not.toContain(email);
    expect(await app.platform.db.mailSuppression.count({ where: { email } })).toBe(1);

    await enqueue(systemCtx(app.platform), 'account.sendVerificationEmail', { userId: await userIdOf(email) });
    const suppressed = () => app.logLines.filter(({ msg, outcome }) => msg === 'mail' && outcome === 'suppressed');
    await vi.waitFor(() => expect(suppressed()).toHaveLength(1), { timeout: 10_000 });
    expect(JSON.stringify(suppressed())).not.toContain(email);
    expect(mailsTo(email)).toEqual([]);

    const superuser = await aSuperuser();
    const { data } = await superuser.send(RetryDeadLetter, { input: { id: encodeId('DeadLetter', letter.id) } });
    expect(data.retryDeadLetter.__typename).toBe('DeadLetterHandled');
    const [mail] = await delivered(email);
    expect(await verify(tokenIn(mail as Delivery))).toBe('EmailVerified');
    await vi.waitFor(async () => expect(await app.platform.db.mailSuppression.count({ where: { email } })).toBe(0));
  });
});

async function aPersonHere(name: string) {
  const email = await register();
  await verify(tokenIn((await delivered(email))[0] as Delivery));
  return signIn(app, { email, name });
}

async function aSuperuser() {
  const person = await aPersonHere('Sue');
  await app.platform.db.user.update({ where: { email: person.email }, data: { isSuperuser: true } });
  return signInWithSecondFactor(app, person, await withSecondFactor(app, person));
}

test('a mail to sign in with does not wait behind invitations, nor one organization’s behind another’s', async () => {
  const [olga, otto] = [await aPersonHere('Olga'), await aPersonHere('Otto')];
  const invite = (host: typeof olga, email: string) =>
    host.send(InviteMember, { input: { organizationId: host.organizationId, email, role: 'MEMBER' } });
  const stuck = Array.from({ length: 8 }, () => anAddress('stuck'));
  for (const email of stuck) silent.add(email);
  for (const email of stuck) expect((await invite(olga, email)).codes).toEqual([]);
  const friend = anAddress('friend');
  await invite(otto, friend);
  await callerWith(app).send(RequestReset, { email: olga.email });

  await delivered(friend);
  await delivered(olga.email, 2);

  expect(stuck.flatMap(mailsTo)).toEqual([]);
  for (const email of stuck) silent.delete(email);
  for (const email of stuck) await delivered(email);
});

test('no token of any mail is in the database', async () => {
  const dump = await dumpDatabase(app);
  const tokens = office.deliveries.map(tokenIn).filter(Boolean);
  expect(tokens.length).toBeGreaterThan(5);
  expect(tokens.filter((token) => dump.includes(token))).toEqual([]);
});
