import { afterEach, describe, expect, test, vi } from 'vitest';
import { graphql } from './generated/gql.ts';
import {
  aPersonFrom,
  appUrl,
  Begin,
  Complete,
  goTo,
  knownAt,
  lastReason,
  lateClient,
  outcomes,
  type Provider,
  page,
  signInWith,
  useOAuthWorld,
} from './support/oauth.ts';
import { startOidcProvider } from './support/oidc-provider.ts';
import { aTraveller } from './support/traveller.ts';
import { anAddress, callerWith } from './support/world.ts';

const world = await useOAuthWorld();
const { app } = world;
const openid: Provider[] = ['acme', 'other'];
const all: Provider[] = [...openid, 'github'];

const Providers = graphql(`query OAuthProviders { oauthProviders { id name } }`);
const WhoIsIn = graphql(`query WhoIsIn { viewer { email } }`);
const Leave = graphql(`mutation Leave { logout { __typename } }`);

afterEach(() => {
  world.acme.faults.tokenEndpointHangs = false;
});

test('oauthProviders lists those that are configured', async () => {
  const { data } = await callerWith(app).send(Providers);
  expect(data.oauthProviders).toEqual([
    { id: 'github', name: 'GitHub' },
    { id: 'acme', name: 'Acme' },
    { id: 'other', name: 'Other' },
    { id: 'late', name: 'Late' },
  ]);
});

describe('beginOAuthLogin', () => {
  const begin = (input: { provider: string; redirectUri: string }) => callerWith(app).send(Begin, { input });

  test.each([
    ['acme', 'openid email profile'],
    ['github', 'read:user user:email'],
  ])('F10 F15 leads to %s with state, PKCE and the scopes of a sign-in', async (provider, scope) => {
    const { data } = await begin({ provider, redirectUri: page });
    if (data.beginOAuthLogin.__typename !== 'OAuthRedirect') throw new Error('no redirect');
    const { searchParams } = new URL(data.beginOAuthLogin.authorizationUrl);
    expect(Object.fromEntries(searchParams)).toMatchObject({
      response_type: 'code',
      client_id: 'gatehouse',
      redirect_uri: page,
      scope,
      state: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: 'S256',
    });
    expect(searchParams.has('nonce')).toBe(provider === 'acme');
  });

  test('F10 binds it to the browser for ten minutes, and keeps nothing that a thief could use', async () => {
    const { data, headers } = await begin({ provider: 'acme', redirectUri: page });
    const [cookie = '', ...more] = headers.getSetCookie();
    expect(more).toEqual([]);
    expect(cookie).toMatch(
      /^__Host-oauth-[0-9a-f]{12}=[\w-]{43}; Max-Age=600; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
    );
    const [row] = await app.platform.db.oAuthState.findMany({ orderBy: { expiresAt: 'desc' }, take: 1 });
    if (!row || data.beginOAuthLogin.__typename !== 'OAuthRedirect') throw new Error('nothing was kept');
    const state = new URL(data.beginOAuthLogin.authorizationUrl).searchParams.get('state') ?? '';
    const kept = Object.values(row).map((value) =>
      value instanceof Uint8Array ? Buffer.from(value).toString() : String(value),
    );
    for (const secret of [state, /=([\w-]{43});/.exec(cookie)?.[1] ?? '']) expect(kept.join()).not.toContain(secret);
    expect(row.codeVerifier).toMatch(/^e1\./);
  });

  test.each([
    'https://app.example.com.evil.example/portal/x',
    'https://evil.example/portal/x',
    'http://app.example.com/portal/x',
    'https://app.example.com:8443/portal/x',
    'https://app.example.com/portalx',
    'https://app.example.com/',
    'https://app.example.com/portal/../admin',
    'https://app.example.com/portal/%2e%2e/admin',
    'https://app.example.com/portal/..%2fadmin',
    'https://app.example.com/portal\\..\\..\\admin',
    'https://app.example.com@evil.example/portal/x',
    'https://user@app.example.com/portal/x',
    'https://app.example.com/portal/x?next=https://evil.example',
    'https://app.example.com/portal/x#fragment',
    'javascript:alert(1)',
    '/portal/x',
    '',
  ])('refuses to come back to %s', async (redirectUri) => {
    const { data } = await begin({ provider: 'acme', redirectUri });
    expect(data.beginOAuthLogin).toMatchObject({ __typename: 'ValidationFailed', issues: [{ path: ['redirectUri'] }] });
  });

  test('comes back to the app itself, and refuses a provider that is not there', async () => {
    const own = await begin({ provider: 'github', redirectUri: appUrl });
    expect(own.data.beginOAuthLogin.__typename).toBe('OAuthRedirect');
    const unknown = await begin({ provider: 'myspace', redirectUri: page });
    expect(unknown.data.beginOAuthLogin).toMatchObject({
      __typename: 'ValidationFailed',
      issues: [{ path: ['provider'] }],
    });
  });

  test('answers OAuthFailed while a provider is down, and works as soon as it is up', async () => {
    const down = await begin({ provider: 'late', redirectUri: page });
    expect(down.data.beginOAuthLogin.__typename).toBe('OAuthFailed');
    expect(lastReason(world)).toContain('ECONNREFUSED');
    const late = await startOidcProvider(lateClient, world.latePort);
    const up = await begin({ provider: 'late', redirectUri: page }).finally(late.close);
    expect(up.data.beginOAuthLogin.__typename).toBe('OAuthRedirect');
  });
});

describe('completeOAuthLogin', () => {
  test.each(all)('F11 F16 F20 F25 signs in a new person by %s, from beginning to end', async (provider) => {
    const { subject, email } = knownAt(world, provider);
    const result = await signInWith(aTraveller(app), provider, { subject });
    expect(result).toMatchObject({
      __typename: 'SignedIn',
      viewer: {
        email,
        emailVerified: true,
        user: { name: 'Olive' },
        activeOrganization: { viewerRole: 'OWNER' },
        session: { method: 'OAUTH' },
        identities: [{ provider, email }],
      },
    });
    if (result.__typename !== 'SignedIn') return;
    const person = callerWith(app, result.accessToken);
    expect((await person.send(WhoIsIn)).data.viewer?.email).toBe(email);
    await person.send(Leave);
    expect((await person.send(WhoIsIn)).codes).toEqual(['UNAUTHENTICATED']);
  });

  test('knows people by their subject, whatever becomes of their address', async () => {
    const person = await aPersonFrom(world, 'acme');
    world.acme.people.set(person.subject, { email: anAddress('moved'), email_verified: false });
    const again = await signInWith(aTraveller(app), 'acme', person);
    expect(again).toMatchObject({ __typename: 'SignedIn', viewer: { user: { id: person.id }, email: person.email } });
  });

  test('F10 serves only the browser that began, which a stranger cannot spoil', async () => {
    const { subject } = knownAt(world, 'github');
    const [browser, stranger] = [aTraveller(app), aTraveller(app)];
    const input = { provider: 'github', ...(await goTo(browser, 'github', { subject })) };
    await goTo(stranger, 'github', { subject });
    const inAnother = await Promise.all([
      stranger.send(Complete, { input }),
      callerWith(app).send(Complete, { input }),
    ]);
    expect(outcomes(inAnother)).toEqual(['OAuthFailed', 'OAuthFailed']);
    expect(outcomes([await browser.send(Complete, { input })])).toEqual(['SignedIn']);
  });

  test('F10 serves once, of twenty at once one', async () => {
    const { subject } = knownAt(world, 'github');
    const browser = aTraveller(app);
    const input = { provider: 'github', ...(await goTo(browser, 'github', { subject })) };
    const twenty = () => Promise.all(Array.from({ length: 20 }, () => browser.send(Complete, { input })));
    expect(outcomes(await whileStatesAreHeld(twenty))).toEqual([...Array(19).fill('OAuthFailed'), 'SignedIn']);
    expect(await app.platform.db.session.count({ where: { user: { identities: { some: { subject } } } } })).toBe(1);
  });

  /** Lets calls go on only when many have read a state and none could take it yet. */
  async function whileStatesAreHeld<T>(calls: () => Promise<T>): Promise<T> {
    const [running] = await app.platform.db.$transaction(async (tx) => {
      await tx.$queryRaw`SELECT digest FROM oauth_states FOR UPDATE`;
      const running = calls();
      await vi.waitFor(async () => {
        const waiting = await tx.$queryRaw<unknown[]>`
          SELECT pid FROM pg_locks WHERE locktype = 'tuple' AND relation = 'oauth_states'::regclass AND NOT granted
          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;
        expect(waiting.length).toBeGreaterThan(9);
      }, 8_000);
      // In an array, since the transaction would wait for a promise itself.
      return [running] as const;
    });
    return running;
  }

  test('F10 refuses the state of another provider, and does not ask that one', async () => {
    const browser = aTraveller(app);
    const back = await goTo(browser, 'other', knownAt(world, 'other'));
    const complete = (provider: string) => browser.send(Complete, { input: { ...back, provider } });
    expect(outcomes([await complete('acme'), await complete('myspace')])).toEqual(['OAuthFailed', 'OAuthFailed']);
    expect(outcomes([await complete('other')])).toEqual(['SignedIn']);
  });

  test('F10 refuses a state that is unknown or older than ten minutes, and throws it away', async () => {
    const { subject } = knownAt(world, 'github');
    const browser = aTraveller(app);
    const back = await goTo(browser, 'github', { subject });
    const complete = (state: string) => browser.send(Complete, { input: { ...back, provider: 'github', state } });
    expect(outcomes([await complete('made-up')])).toEqual(['OAuthFailed']);
    await app.platform.db.oAuthState.updateMany({ data: { expiresAt: new Date(Date.now() - 1000) } });
    expect(outcomes([await complete(back.state)])).toEqual(['OAuthFailed']);
    await goTo(browser, 'github', { subject });
    expect(await app.platform.db.oAuthState.count({ where: { expiresAt: { lt: new Date() } } })).toBe(0);
  });

  test.each(all)('refuses what another issuer than %s has sent (RFC 9207)', async (provider) => {
    const browser = aTraveller(app);
    const back = await goTo(browser, provider, knownAt(world, provider));
    const input = { provider, ...back, iss: 'https://evil.example' };
    expect(outcomes([await browser.send(Complete, { input })])).toEqual(['OAuthFailed']);
    expect(lastReason(world)).toContain('"iss" (issuer) response parameter');
  });

  test('refuses an ID token for another nonce', async () => {
    const browser = aTraveller(app);
    const change = (url: string) => url.replace(/nonce=[\w-]+/, 'nonce=of-somebody-else');
    const replayed = await goTo(browser, 'acme', { ...knownAt(world, 'acme'), change });
    expect(outcomes([await browser.send(Complete, { input: { provider: 'acme', ...replayed } })])).toEqual([
      'OAuthFailed',
    ]);
    expect(lastReason(world)).toContain('nonce');
  });

  test('refuses an ID token that the provider’s keys did not sign', async () => {
    const late = await startOidcProvider(lateClient, world.latePort);
    late.faults.showsOtherKeys = true;
    late.people.set('forged', { email: anAddress(), email_verified: true });
    const browser = aTraveller(app);
    const back = await goTo(browser, 'late', { subject: 'forged' });
    const answer = await browser.send(Complete, { input: { provider: 'late', ...back } }).finally(late.close);
    expect(outcomes([answer])).toEqual(['OAuthFailed']);
    expect(lastReason(world)).toMatch(/key/);
  });

  test('gives up on a provider that does not answer', async () => {
    const browser = aTraveller(app);
    const back = await goTo(browser, 'acme', knownAt(world, 'acme'));
    world.acme.faults.tokenEndpointHangs = true;
    expect(outcomes([await browser.send(Complete, { input: { provider: 'acme', ...back } })])).toEqual(['OAuthFailed']);
    expect(lastReason(world)).toContain('OAUTH_TIMEOUT');
  });
});
