import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startProgram } from './support/command.ts';
import { aBrowser } from './support/cookie-jar.ts';
import { mailsTo, tokenIn, waitForMail } from './support/mailbox.ts';
import { RequestReset, ResetPassword } from './support/own-account.ts';
import { aChallengeFor, freshCode, VerifyChallenge, withSecondFactor } from './support/second-factor.ts';
import { Logout, Ping, Refresh, RefreshByCookie, withCookie } from './support/session-operations.ts';
import { anAddress, aPerson, callerWith, Login, password, Register, useApp } from './support/world.ts';

/** A server in a process of its own. */
interface Server {
  readonly url: string;
  stop(): Promise<void>;
}

// Two servers hash at the full price, on the cores that other tests use as well.
vi.setConfig({ testTimeout: 120_000 });

// It makes people and sends the mails; the two servers share its database, and its keys in the data folder.
const app = useApp();
let servers: readonly [Server, Server];

beforeAll(async () => {
  servers = await Promise.all([startServer(), startServer()]);
}, 60_000);
afterAll(() => Promise.all(servers.map((server) => server.stop())));

async function startServer(): Promise<Server> {
  const program = startProgram(app, { program: 'main', words: ['api'], environment: { RATE_LIMIT_SCALE: '1000' } });
  program.stderr.resume();
  const exit = once(program, 'exit');
  for await (const line of createInterface({ input: program.stdout })) {
    const { msg, url } = JSON.parse(line) as { msg?: string; url?: string };
    if (msg !== 'ready' || !url) continue;
    program.stdout.resume();
    return {
      url,
      async stop() {
        program.kill('SIGTERM');
        expect(await exit).toEqual([0, null]);
      },
    };
  }
  throw new Error('a server has ended before it was ready');
}

/** `work` twenty times at once, ten on each server. */
const onBoth = <T>(work: (server: Server) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: 20 }, (_, i) => work(servers[i % 2 ? 1 : 0])));

test('F22 twenty refreshes at once on two processes get one successor', async () => {
  const ada = await aPerson(app);
  const answers = await onBoth((server) => callerWith(server).send(Refresh, { refreshToken: ada.refreshToken }));
  const tokens = answers.map(({ data }) =>
    data.refreshSession.__typename === 'SignedIn' ? data.refreshSession.refreshToken : null,
  );
  expect(tokens[0]).toMatch(/^rt_/);
  expect(new Set(tokens).size).toBe(1);
  const { generation } = await app.platform.db.session.findFirstOrThrow({ where: { user: { email: ada.email } } });
  expect(generation).toBe(1);
});

test('F22 twenty tabs on two processes keep one cookie', async () => {
  const ada = await aPerson(app);
  const browser = aBrowser(servers[0]);
  await browser.send(Login, withCookie(ada.email));
  const cookies = await onBoth(async (server) => {
    const tab = aBrowser(server, browser.cookie);
    await tab.send(RefreshByCookie);
    return tab.cookie;
  });
  expect(cookies[0]).toMatch(/=rt_/);
  expect(new Set(cookies).size).toBe(1);
});

test('F24 twenty sign-ups at once on two processes make one account', async () => {
  const email = anAddress('Casey');
  const answers = await onBoth((server) =>
    callerWith(server).send(Register, { input: { email, password, name: 'Casey' } }),
  );
  expect(new Set(answers.map(({ data }) => data.register.__typename))).toEqual(new Set(['RegistrationPending']));
  expect(await app.platform.db.user.count({ where: { email: email.toLowerCase() } })).toBe(1);
  await expect.poll(() => mailsTo(app, email.toLowerCase()), { timeout: 10_000 }).not.toHaveLength(0);
});

test('F27 a challenge on two processes makes one session of twenty good codes', async () => {
  const ada = await aPerson(app);
  const factor = await withSecondFactor(app, ada);
  const challengeToken = await aChallengeFor(app, ada);
  const code = await freshCode(app, ada, factor);
  const answers = await onBoth((server) => callerWith(server).send(VerifyChallenge, { challengeToken, code }));
  expect(answers.filter(({ data }) => data.verifyMfaChallenge.__typename === 'SignedIn')).toHaveLength(1);
});

test('F03 a backup code on two processes serves once, for four challenges at the same moment', async () => {
  const ada = await aPerson(app);
  const { backupCodes } = await withSecondFactor(app, ada);
  const code = backupCodes[0] ?? '';
  const challenges = [];
  for (let i = 0; i < 4; i += 1) challenges.push(await aChallengeFor(app, ada));
  const answers = await Promise.all(
    challenges.map((challengeToken, i) =>
      callerWith(servers[i % 2 ? 1 : 0]).send(VerifyChallenge, { challengeToken, code }),
    ),
  );
  expect(answers.filter(({ data }) => data.verifyMfaChallenge.__typename === 'SignedIn')).toHaveLength(1);
});

test('F14 a reset on two processes is taken once of twenty at once', async () => {
  const ada = await aPerson(app);
  await callerWith(app).send(RequestReset, { email: ada.email });
  const token = tokenIn(await waitForMail(app, { to: ada.email, subject: 'password' }));
  const newPassword = 'another horse, another staple';
  const answers = await onBoth((server) => callerWith(server).send(ResetPassword, { token, newPassword }));
  const outcomes = answers.map(({ data }) => data.resetPassword.__typename).sort();
  expect(outcomes).toEqual([...Array(19).fill('InvalidToken'), 'PasswordChanged']);
});

test('wrong passwords on two processes count together', async () => {
  const ada = await aPerson(app);
  await onBoth((server) =>
    callerWith(server).send(Login, { input: { email: ada.email, password: 'a wrong password' } }),
  );
  for (const server of servers) {
    const { data } = await callerWith(server).send(Login, { input: { email: ada.email, password } });
    expect(data.login.__typename).toBe('InvalidCredentials');
  }
});

test('F16 what ends on one process has ended on the other within a second', async () => {
  const ada = await aPerson(app);
  const [here, there] = servers.map((server) => callerWith(server, ada.accessToken));
  expect((await there?.send(Ping))?.status).toBe(200);
  await here?.send(Logout);
  const endedAt = performance.now();
  expect((await there?.send(Ping))?.status).toBe(401);
  expect(performance.now() - endedAt).toBeLessThan(1_000);
});
