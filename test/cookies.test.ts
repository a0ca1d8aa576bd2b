import { describe, expect, test } from 'vitest';
import { graphql } from './generated/gql.ts';
import { aBrowser, appPage } from './support/cookie-jar.ts';
import { DeleteAccount } from './support/own-account.ts';
import { openSocket } from './support/raw-socket.ts';
import { aChallengeFor, freshCode, withSecondFactor } from './support/second-factor.ts';
import { Logout, Ping, RefreshByCookie, withCookie } from './support/session-operations.ts';
import { aPerson, callerWith, Login, type Person, password, signIn, startTestApp, useApp } from './support/world.ts';

const olderKey = `older:${Buffer.alloc(32, 1).toString('base64')}`;
const newerKey = `newer:${Buffer.alloc(32, 2).toString('base64')}`;
const app = useApp({ KEYRING: olderKey });

const VerifyByCookie = graphql(`
  mutation VerifyByCookie($input: VerifyMfaChallengeInput!) {
    verifyMfaChallenge(input: $input) { __typename ... on SignedIn { refreshToken } }
  }
`);

async function signedInBrowser(person: Person) {
  const browser = aBrowser(app);
  const { data } = await browser.send(Login, withCookie(person.email));
  if (data.login.__typename !== 'SignedIn') throw new Error(data.login.__typename);
  return { browser, accessToken: data.login.accessToken, sessionId: data.login.viewer.session.id };
}

const newestOf = (person: Person) =>
  app.platform.db.session.findFirstOrThrow({ where: { user: { email: person.email } }, orderBy: { id: 'desc' } });

describe('COOKIE transport', () => {
  test('puts the refresh token into a cookie that no script and no other site can use, and leaves it out of the answer', async () => {
    const ada = await aPerson(app);
    const { data, headers } = await aBrowser(app).send(Login, withCookie(ada.email));
    expect(data.login).toMatchObject({ __typename: 'SignedIn', refreshToken: null });
    const [line = '', ...others] = headers.getSetCookie();
    expect(others).toEqual([]);
    expect(line).toMatch(/^__Host-refresh=rt_[\w-]+; Max-Age=\d+; Path=\/; HttpOnly; Secure; SameSite=Lax$/);
    const days = Number(/Max-Age=(\d+)/.exec(line)?.[1]) / 86_400;
    expect([days > 13.9, days <= 14]).toEqual([true, true]);
  });

  test('is not the default: then the token is in the answer and no cookie is set', async () => {
    const ada = await aPerson(app);
    const { data, headers } = await aBrowser(app).send(Login, { input: { email: ada.email, password } });
    expect(data.login).toMatchObject({ refreshToken: expect.stringMatching(/^rt_/) });
    expect(headers.getSetCookie()).toEqual([]);
  });

  test('comes after a second factor as well', async () => {
    const ada = await aPerson(app);
    const factor = await withSecondFactor(app, ada);
    const challengeToken = await aChallengeFor(app, ada);
    const browser = aBrowser(app);
    const code = await freshCode(app, ada, factor);
    const { data } = await browser.send(VerifyByCookie, { input: { challengeToken, code, transport: 'COOKIE' } });
    expect(data.verifyMfaChallenge).toEqual({ __typename: 'SignedIn', refreshToken: null });
    expect((await browser.send(RefreshByCookie)).data.refreshSession.__typename).toBe('SignedIn');
  });

  test('refreshes from the cookie alone', async () => {
    const ada = await aPerson(app);
    const { browser, sessionId } = await signedInBrowser(ada);
    const before = browser.cookie;
    const { data } = await browser.send(RefreshByCookie);
    if (data.refreshSession.__typename !== 'SignedIn') throw new Error(data.refreshSession.__typename);
    expect(data.refreshSession).toMatchObject({
      refreshToken: null,
      viewer: { email: ada.email, session: { id: sessionId } },
    });
    expect(browser.cookie).not.toBe(before);
    expect((await callerWith(app, data.refreshSession.accessToken).send(Ping)).data.viewer?.email).toBe(ada.email);
  });

  test.each([
    ['no origin', null],
    ['a foreign origin', 'https://evil.example'],
    ['the opaque origin', 'null'],
    ['an origin that begins like ours', `${appPage}.evil.example`],
  ])('is refused to a request with %s, before anything is done', async (_what, origin) => {
    const ada = await aPerson(app);
    const { browser } = await signedInBrowser(ada);
    const stranger = aBrowser(app, browser.cookie, origin);
    const before = await newestOf(ada);
    const login = await stranger.send(Login, withCookie(ada.email));
    const refresh = await stranger.send(RefreshByCookie);
    expect([login.codes, refresh.codes]).toEqual([['FORBIDDEN'], ['FORBIDDEN']]);
    expect([...login.headers.getSetCookie(), ...refresh.headers.getSetCookie()]).toEqual([]);
    expect(await newestOf(ada)).toEqual(before);
  });

  test('is open to pages of our own', async () => {
    const ada = await aPerson(app);
    const { data } = await aBrowser(app, null, app.url).send(Login, withCookie(ada.email));
    expect(data.login.__typename).toBe('SignedIn');
  });

  test('without a cookie there is no session', async () => {
    const { data, headers } = await aBrowser(app).send(RefreshByCookie);
    expect(data.refreshSession.__typename).toBe('SessionEnded');
    expect(headers.getSetCookie()).toEqual([]);
  });

  test('is refused on a socket, before anything is done', async () => {
    const ada = await aPerson(app);
    const before = await newestOf(ada);
    const socket = await openSocket(app.url, { origin: appPage });
    socket.send({ type: 'connection_init' });
    await socket.next();
    const query = `mutation { login(input: { email: "${ada.email}", password: "${password}", transport: COOKIE }) { __typename } }`;
    socket.send({ type: 'subscribe', id: '1', payload: { query } });
    const { payload } = await socket.next();
    expect(JSON.stringify(payload)).toContain('BAD_USER_INPUT');
    expect(await newestOf(ada)).toEqual(before);
    socket.socket.terminate();
  });
});

describe('the cookie', () => {
  test('F22 is the same for twenty tabs that refresh at once, and none of them loses it', async () => {
    const ada = await aPerson(app);
    const { browser } = await signedInBrowser(ada);
    const tabs = Array.from({ length: 20 }, () => aBrowser(app, browser.cookie));
    const answers = await Promise.all(tabs.map((tab) => tab.send(RefreshByCookie)));
    expect(new Set(answers.map(({ data }) => data.refreshSession.__typename))).toEqual(new Set(['SignedIn']));
    expect(new Set(tabs.map((tab) => tab.cookie)).size).toBe(1);
    expect(tabs[0]?.cookie).toMatch(/=rt_/);
    expect((await newestOf(ada)).generation).toBe(1);
  });

  test('F22 stays with the loser of a race whose successor a process with an older key ring cannot tell', async () => {
    const ada = await aPerson(app);
    const { browser } = await signedInBrowser(ada);
    const loser = aBrowser(app, browser.cookie);
    const upgraded = await startTestApp({ KEYRING: `${newerKey},${olderKey}` }, { beside: app });
    const winner = aBrowser(upgraded, browser.cookie);
    await winner.send(RefreshByCookie);
    const { data, headers } = await loser.send(RefreshByCookie);
    expect(data.refreshSession).toEqual({ __typename: 'RefreshRaced', code: 'REFRESH_RACED' });
    expect(headers.getSetCookie()).toEqual([]);
    expect((await winner.send(RefreshByCookie)).data.refreshSession.__typename).toBe('SignedIn');
    await upgraded.close();
  });

  test('F22 has the same successor also where the current key is another one by now', async () => {
    const ada = await aPerson(app);
    const { browser } = await signedInBrowser(ada);
    const tabs = [aBrowser(app, browser.cookie)];
    await tabs[0]?.send(RefreshByCookie);
    const upgraded = await startTestApp({ KEYRING: `${newerKey},${olderKey}` }, { beside: app });
    tabs.push(aBrowser(upgraded, browser.cookie));
    await tabs[1]?.send(RefreshByCookie);
    expect(tabs[1]?.cookie).toBe(tabs[0]?.cookie);
    await upgraded.close();
  });

  test('goes when a spent one comes back after its grace', async () => {
    const ada = await aPerson(app);
    const { browser } = await signedInBrowser(ada);
    const thief = aBrowser(app, browser.cookie);
    await browser.send(RefreshByCookie);
    const { id } = await newestOf(ada);
    await app.platform.db.session.update({ where: { id }, data: { rotatedAt: new Date(Date.now() - 16_000) } });
    const { data, headers } = await thief.send(RefreshByCookie);
    expect(data.refreshSession.__typename).toBe('SessionEnded');
    expect(headers.getSetCookie()).toEqual(['__Host-refresh=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax']);
  });

  test('goes with the logout of its session, and not with that of another', async () => {
    const ada = await aPerson(app);
    const { browser, accessToken } = await signedInBrowser(ada);
    const phone = await signIn(app, ada);
    await browser.send(Logout, {}, { authorization: `Bearer ${phone.accessToken}` });
    expect(browser.cookie).not.toBeNull();
    await browser.send(Logout, {}, { authorization: `Bearer ${accessToken}` });
    expect(browser.cookie).toBeNull();
  });

  test('goes with the account', async () => {
    const ada = await aPerson(app);
    const { browser, accessToken } = await signedInBrowser(ada);
    await browser.send(DeleteAccount, {}, { authorization: `Bearer ${accessToken}` });
    expect(browser.cookie).toBeNull();
  });
});
