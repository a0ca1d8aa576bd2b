import { describe, expect, test } from 'vitest';
import { graphql } from './generated/gql.ts';
import { mailsTo, tokenIn, waitForMail } from './support/mailbox.ts';
import {
  aPersonFrom,
  Complete,
  goTo,
  Identities,
  knownAt,
  outcomes,
  type Provider,
  signInWith,
  useOAuthWorld,
} from './support/oauth.ts';
import { withSecondFactor } from './support/second-factor.ts';
import { aTraveller } from './support/traveller.ts';
import {
  anAddress,
  aPerson,
  callerWith,
  Login,
  type Person,
  password,
  Register,
  VerifyEmail,
} from './support/world.ts';

const world = await useOAuthWorld();
const { app } = world;
const all: Provider[] = ['acme', 'github'];

const Unlink = graphql(`
  mutation UnlinkIdentity($id: ID!) {
    unlinkIdentity(input: { id: $id }) {
      __typename
      ... on IdentityUnlinked { identityId }
      ... on Error { code message }
    }
  }
`);

const AnIdentity = graphql(`query AnIdentity($id: ID!) { node(id: $id) { id ... on Identity { provider } } }`);

const userOf = (email: string) =>
  app.platform.db.user.findUnique({ where: { email }, include: { memberships: true, identities: true } });

const identitiesOf = async (person: Person) => (await person.send(Identities)).data.viewer?.identities ?? [];

/** The second half of what somebody has begun, in a browser that may be signed in. */
async function linkAs(person: Person, provider: Provider, { subject }: { subject: string }) {
  return signInWith(aTraveller(app).as(person.accessToken), provider, { subject });
}

async function makeOld({ email }: Person): Promise<void> {
  const authenticatedAt = new Date(Date.now() - 11 * 60_000);
  await app.platform.db.session.updateMany({ where: { user: { email } }, data: { authenticatedAt } });
}

describe('a person who is new', () => {
  test.each(all)(
    'F25 gets nothing for an address that %s has not confirmed, and takes nobody’s account',
    async (provider) => {
      const ada = await aPerson(app);
      const stranger = await signInWith(aTraveller(app), provider, knownAt(world, provider, { verified: false }));
      const posing = await signInWith(
        aTraveller(app),
        provider,
        knownAt(world, provider, { email: ada.email, verified: false }),
      );
      for (const result of [stranger, posing]) {
        expect(result).toMatchObject({
          __typename: 'OAuthFailed',
          message: expect.stringContaining('not confirmed your address'),
        });
      }
      expect(await userOf(ada.email)).toMatchObject({ identities: [] });
    },
  );

  test('F20 gets one account and one organization, though signing in twenty times at once', async () => {
    const { subject, email } = knownAt(world, 'github');
    const once = async () => (await signInWith(aTraveller(app), 'github', { subject })).__typename;
    expect(await Promise.all(Array.from({ length: 20 }, once))).toEqual(Array(20).fill('SignedIn'));
    const user = await userOf(email);
    expect(user).toMatchObject({ memberships: [{ role: 'OWNER' }], identities: [{ subject }], passwordHash: null });
  });

  test('takes an account that nobody confirmed from whoever made it', async () => {
    const { subject, email } = knownAt(world, 'acme');
    await callerWith(app).send(Register, { input: { email, password, name: 'Eve' } });
    const link = tokenIn(await waitForMail(app, { to: email }));
    const result = await signInWith(aTraveller(app), 'acme', { subject });
    expect(result).toMatchObject({ __typename: 'SignedIn', viewer: { user: { name: 'Olive' }, email } });
    const { data } = await callerWith(app).send(Login, { input: { email, password } });
    expect(data.login.__typename).toBe('InvalidCredentials');
    expect((await callerWith(app).send(VerifyEmail, { token: link })).data.verifyEmail.__typename).toBe('InvalidToken');
    expect(await userOf(email)).toMatchObject({ passwordHash: null, memberships: [{ role: 'OWNER' }] });
  });

  test('of two who come for one address at once, by password and by provider, the provider’s is confirmed', async () => {
    const { subject, email } = knownAt(world, 'acme');
    const back = { provider: 'acme', subject } as const;
    const [result] = await Promise.all([
      signInWith(aTraveller(app), back.provider, back),
      callerWith(app).send(Register, { input: { email, password, name: 'Eve' } }),
    ]);
    expect(result.__typename).toBe('SignedIn');
    expect(await userOf(email)).toMatchObject({ passwordHash: null, identities: [{ subject }] });
  });
});

describe('a person who has an account', () => {
  test.each(all)('comes into it by %s when both have confirmed the address, and is told', async (provider) => {
    const ada = await aPerson(app);
    const { subject } = knownAt(world, provider, { email: ada.email.toUpperCase() });
    const result = await signInWith(aTraveller(app), provider, { subject });
    expect(result).toMatchObject({ __typename: 'SignedIn', viewer: { user: { id: ada.id } } });
    await waitForMail(app, { to: ada.email, subject: 'A way to sign in was added' });
    const entry = await app.platform.db.auditEntry.findFirst({
      where: { action: 'identity.linked' },
      orderBy: { sequence: 'desc' },
    });
    expect(entry?.metadata).toMatchObject({ provider });
    expect((await callerWith(app).send(Login, { input: { email: ada.email, password } })).data.login.__typename).toBe(
      'SignedIn',
    );
  });

  test('is asked for the second factor here too', async () => {
    const ada = await aPerson(app);
    await withSecondFactor(app, ada);
    const result = await signInWith(aTraveller(app), 'github', knownAt(world, 'github', { email: ada.email }));
    expect(result).toMatchObject({ __typename: 'MfaChallenge', challengeToken: expect.any(String) });
  });

  test('that is locked gets neither in nor a new way in', async () => {
    const ada = await aPerson(app);
    await app.platform.db.user.update({ where: { email: ada.email }, data: { lockedAt: new Date() } });
    const result = await signInWith(aTraveller(app), 'acme', knownAt(world, 'acme', { email: ada.email }));
    expect(result.__typename).toBe('InvalidCredentials');
    expect(await userOf(ada.email)).toMatchObject({ identities: [] });
  });
});

describe('beginOAuthLogin of somebody signed in', () => {
  test('links whatever the provider vouches for, and signs in with it from then on', async () => {
    const ada = await aPerson(app);
    const { subject } = knownAt(world, 'github', { email: anAddress('elsewhere'), verified: false });
    expect(await linkAs(ada, 'github', { subject })).toMatchObject({
      __typename: 'SignedIn',
      viewer: { user: { id: ada.id } },
    });
    expect(await identitiesOf(ada)).toMatchObject([{ provider: 'github', email: null }]);
    await waitForMail(app, { to: ada.email, subject: 'A way to sign in was added' });
    const later = await signInWith(aTraveller(app), 'github', { subject });
    expect(later).toMatchObject({ __typename: 'SignedIn', viewer: { user: { id: ada.id } } });
  });

  test('asks for a fresh sign-in first', async () => {
    const ada = await aPerson(app);
    await makeOld(ada);
    await expect(linkAs(ada, 'acme', knownAt(world, 'acme'))).rejects.toThrow('REAUTHENTICATION_REQUIRED');
  });

  test('links nothing once the session that began it is over', async () => {
    const ada = await aPerson(app);
    const browser = aTraveller(app);
    const back = await goTo(browser.as(ada.accessToken), 'acme', knownAt(world, 'acme'));
    await app.platform.db.session.updateMany({
      where: { user: { email: ada.email } },
      data: { revokedAt: new Date() },
    });
    expect(outcomes([await browser.send(Complete, { input: { provider: 'acme', ...back } })])).toEqual(['OAuthFailed']);
    expect(await userOf(ada.email)).toMatchObject({ identities: [] });
  });

  test('takes no identity from another account', async () => {
    const olive = await aPersonFrom(world, 'acme');
    const ada = await aPerson(app);
    expect(await linkAs(ada, 'acme', olive)).toMatchObject({ __typename: 'OAuthFailed' });
    expect(await identitiesOf(ada)).toEqual([]);
    expect(await identitiesOf(olive)).toHaveLength(1);
  });
});

describe('unlinkIdentity', () => {
  const unlink = (person: Person, id: string | undefined) => person.send(Unlink, { id: id ?? '' });

  test('takes the identity away, and tells', async () => {
    const ada = await aPerson(app);
    const known = knownAt(world, 'github');
    await linkAs(ada, 'github', known);
    const [identity] = await identitiesOf(ada);
    const { data } = await unlink(ada, identity?.id);
    expect(data.unlinkIdentity).toEqual({ __typename: 'IdentityUnlinked', identityId: identity?.id });
    await waitForMail(app, { to: ada.email, subject: 'A way to sign in was removed' });
    const after = await signInWith(aTraveller(app), 'github', known);
    expect(after).toMatchObject({ __typename: 'SignedIn', viewer: { email: known.email } });
  });

  test('never takes the last way in', async () => {
    const olive = await aPersonFrom(world, 'acme');
    const [identity] = await identitiesOf(olive);
    expect((await unlink(olive, identity?.id)).data.unlinkIdentity.__typename).toBe('LastSignInMethod');
    expect(await identitiesOf(olive)).toHaveLength(1);
    expect(await mailsTo(app, olive.email)).toEqual([]);
  });

  test('leaves one of two, though both are taken at once, ten times each', async () => {
    const olive = await aPersonFrom(world, 'acme');
    await linkAs(olive, 'github', knownAt(world, 'github'));
    const ids = (await identitiesOf(olive)).map(({ id }) => id);
    expect(ids).toHaveLength(2);
    const answers = await Promise.all(Array.from({ length: 20 }, (_, at) => unlink(olive, ids[at % 2])));
    expect(answers.filter(({ data }) => data?.unlinkIdentity.__typename === 'IdentityUnlinked')).toHaveLength(1);
    expect(await identitiesOf(olive)).toHaveLength(1);
  });

  test('does not count a way in through a provider that is not configured any more', async () => {
    const olive = await aPersonFrom(world, 'acme');
    await linkAs(olive, 'github', knownAt(world, 'github'));
    await app.platform.db.identity.updateMany({
      where: { provider: 'github', user: { email: olive.email } },
      data: { provider: 'gone' },
    });
    const own = (await identitiesOf(olive)).find(({ provider }) => provider === 'acme');
    expect((await unlink(olive, own?.id)).data.unlinkIdentity.__typename).toBe('LastSignInMethod');
  });

  test('is for one’s own identities and fresh sign-ins; others do not see them', async () => {
    const olive = await aPersonFrom(world, 'acme');
    const ada = await aPerson(app);
    const id = (await identitiesOf(olive))[0]?.id ?? '';
    expect((await olive.send(AnIdentity, { id })).data.node).toEqual({ id, provider: 'acme' });
    expect((await ada.send(AnIdentity, { id })).data.node).toBeNull();
    expect((await unlink(ada, id)).codes).toEqual(['NOT_FOUND']);
    await makeOld(olive);
    expect((await unlink(olive, id)).codes).toEqual(['REAUTHENTICATION_REQUIRED']);
    expect((await callerWith(app).send(Unlink, { id })).codes).toEqual(['UNAUTHENTICATED']);
  });
});

test('F15 no token, code or secret of a provider is in the database or in the log', async () => {
  const tables = await app.platform.db.$queryRaw<{ name: string }[]>`
    SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname IN ('public', 'pgboss')`;
  const shown: string[] = [];
  for (const provider of all) {
    const browser = aTraveller(app);
    const back = await goTo(browser, provider, knownAt(world, provider));
    expect(outcomes([await browser.send(Complete, { input: { provider, ...back } })])).toEqual(['SignedIn']);
    shown.push(back.code, back.state);
  }
  const rows = tables.map(({ name }) =>
    app.platform.db.$queryRawUnsafe<{ text: string }[]>(
      `SELECT coalesce(string_agg(t::text, ' '), '') AS text FROM ${name} t`,
    ),
  );
  const dump = JSON.stringify([await Promise.all(rows), app.logLines]);
  const secrets = [...world.acme.tokens, ...world.github.tokens, ...shown, 'a secret of the operator'];
  expect(world.acme.tokens.length).toBeGreaterThan(1);
  expect(world.github.tokens.length).toBeGreaterThan(0);
  expect(dump).toContain('identity.linked');
  for (const secret of secrets) {
    expect(dump).not.toContain(secret);
    expect(dump).not.toContain(Buffer.from(secret).toString('hex'));
  }
});
