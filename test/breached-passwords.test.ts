import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { readConfig } from '../src/config.ts';
import { createBreachedPasswords } from '../src/platform/breached-passwords.ts';
import { createCache } from '../src/platform/cache.ts';
import { createLogger } from '../src/platform/log.ts';
import { waitForMail } from './support/mailbox.ts';
import { ChangePassword, newPassword, ResetPassword, resetTokenFor } from './support/own-account.ts';
import { anAddress, aPerson, callerWith, password, Register, useApp } from './support/world.ts';

const known = 'a phrase that everybody has heard';
const suffixOf = (password: string) => createHash('sha1').update(password).digest('hex').toUpperCase().slice(5);

/** What the list says; a test may put something else in its place. */
const answerWell = (response: ServerResponse) =>
  response.end([`${suffixOf(known)}:42`, `${suffixOf(newPassword)}:0`, `${'0'.repeat(35)}:3`].join('\r\n'));
let answer: (response: ServerResponse) => unknown = answerWell;
const asked: { url: string | undefined; padding: string | string[] | undefined }[] = [];

const list = createServer((request, response) => {
  asked.push({ url: request.url, padding: request.headers['add-padding'] });
  answer(response);
}).listen(0, '127.0.0.1');
await once(list, 'listening');
const PASSWORD_BREACH_URL = `http://127.0.0.1:${(list.address() as AddressInfo).port}`;

const app = useApp({ PASSWORD_BREACH_CHECK: 'on', PASSWORD_BREACH_URL });
const logLines: string[] = [];
const log = createLogger('info', { write: (line) => void logLines.push(line) });
const lookUp = (environment: Record<string, string>, password = known) =>
  createBreachedPasswords(readConfig({ PASSWORD_BREACH_URL, ...environment }), log, createCache(null)).includes(
    password,
  );

afterEach(() => {
  answer = answerWell;
});
afterAll(() => {
  list.closeAllConnections();
  list.close();
});

describe('a breached password', () => {
  const refused = { __typename: 'ValidationFailed', issues: [{ message: expect.stringContaining('breach') }] };

  test('is refused by register', async () => {
    const email = anAddress();
    const { data } = await callerWith(app).send(Register, { input: { email, password: known, name: 'Ada' } });
    expect(data.register).toMatchObject(refused);
    expect(await app.platform.db.user.count({ where: { email } })).toBe(0);
  });

  test('is refused by changePassword and resetPassword, which takes the link with another one', async () => {
    const ada = await aPerson(app);
    const changed = await ada.send(ChangePassword, { currentPassword: password, newPassword: known });
    expect(changed.data.changePassword).toMatchObject(refused);
    const token = await resetTokenFor(app, ada.email);
    const reset = await callerWith(app).send(ResetPassword, { token, newPassword: known });
    expect(reset.data.resetPassword).toMatchObject(refused);
    const again = await callerWith(app).send(ResetPassword, { token, newPassword });
    expect(again.data.resetPassword.__typename).toBe('PasswordChanged');
  });

  test('F33 is refused again for a day without asking the list again, whose answer is kept as the set that it is', async () => {
    const register = () =>
      callerWith(app).send(Register, { input: { email: anAddress(), password: known, name: 'Ada' } });
    await register();
    asked.length = 0;
    answer = (response) => response.writeHead(500).end();
    expect((await register()).data.register).toMatchObject(refused);
    expect(asked).toEqual([]);
  });

  test('keeps nobody out while the list is down', async () => {
    answer = (response) => response.writeHead(500).end();
    const email = anAddress();
    const unheard = 'a phrase that nobody has looked up yet';
    await callerWith(app).send(Register, { input: { email, password: unheard, name: 'Ada' } });
    await waitForMail(app, { to: email });
  });
});

describe('the list of breached passwords', () => {
  test('learns five hex digits, and is asked for padding, which counts as nothing', async () => {
    asked.length = 0;
    expect(await lookUp({ PASSWORD_BREACH_CHECK: 'on' })).toBe(true);
    const [first] = asked;
    expect(first).toEqual({ url: expect.stringMatching(/^\/range\/[0-9A-F]{5}$/), padding: 'true' });
    expect(await lookUp({ PASSWORD_BREACH_CHECK: 'on' }, newPassword)).toBe(false);
    expect(await lookUp({ PASSWORD_BREACH_CHECK: 'on' }, password)).toBe(false);
  });

  test.each<[string, (response: ServerResponse) => unknown]>([
    ['an error', (response) => response.writeHead(500).end(`${suffixOf(known)}:42`)],
    ['silence', () => {}],
    ['an answer that never ends', (response) => response.write(`${suffixOf(known)}:42\r\n`)],
    ['a redirect', (response) => response.writeHead(302, { location: '/range/00000' }).end()],
    ['a closed connection', (response) => response.destroy()],
  ])('counts as saying no after %s, within its time, and the log says so', async (_what, strange) => {
    answer = strange;
    logLines.length = 0;
    const startedAt = performance.now();
    expect(await lookUp({ PASSWORD_BREACH_CHECK: 'on' })).toBe(false);
    expect(performance.now() - startedAt).toBeLessThan(2_500);
    expect(logLines).toHaveLength(1);
    expect(logLines[0]).toContain('does not answer');
    expect(logLines[0]).not.toContain(known);
  });

  test('is asked in production, and otherwise only when wanted', async () => {
    asked.length = 0;
    expect([await lookUp({}), await lookUp({ PASSWORD_BREACH_CHECK: 'off' })]).toEqual([false, false]);
    expect(asked).toEqual([]);
    const production = {
      NODE_ENV: 'production',
      DATABASE_URL: 'postgres://db',
      PUBLIC_APP_URL: 'https://app.example.com',
      KEYRING: `k1:${Buffer.alloc(32, 7).toString('base64')}`,
      SIGNING_KEYS: '{"keys":[{"kid":"k","kty":"OKP","d":"d"}]}',
      SMTP_URL: 'smtp://mail',
    };
    expect(readConfig(production).breachedPasswordsUrl).toBe('https://api.pwnedpasswords.com');
    expect(readConfig({ ...production, PASSWORD_BREACH_CHECK: 'off' }).breachedPasswordsUrl).toBeNull();
  });
});
