import { isUnionType } from 'graphql';
import { describe, expect, test } from 'vitest';
import { schema } from '../src/graphql/schema.ts';
import { tokenIn, waitForMail } from './support/mailbox.ts';
import { aPersonFrom, knownAt, signInWith, useOAuthWorld } from './support/oauth.ts';
import { ChangePassword, newPassword, ResetPassword, resetTokenFor } from './support/own-account.ts';
import { freshCode, type SecondFactor, VerifyChallenge, withSecondFactor } from './support/second-factor.ts';
import { Refresh } from './support/session-operations.ts';
import { projectFiles, textOf } from './support/sources.ts';
import { aTraveller } from './support/traveller.ts';
import {
  aMemberOf,
  aPerson,
  callerWith,
  InviteMember,
  Login,
  type Person,
  password,
  Register,
  signIn,
} from './support/world.ts';

const world = await useOAuthWorld();
const { app } = world;

/** What a way in answers with. */
interface Outcome {
  readonly __typename: string;
  readonly challengeToken?: string;
}

/** Prepares a person with a second factor, then goes one way in. */
type WayIn = () => Promise<{ person: Person; factor: SecondFactor; outcome: Outcome }>;

const login = async (person: Person, word = password) =>
  (await callerWith(app).send(Login, { input: { email: person.email, password: word } })).data.login;

async function enrolled() {
  const person = await aPerson(app);
  return { person, factor: await withSecondFactor(app, person) };
}

/** Every way from nothing to tokens, by the mutation that would hand them out. */
const waysIn: [field: string, way: string, WayIn][] = [
  [
    'login',
    'with the password',
    async () => {
      const ada = await enrolled();
      return { ...ada, outcome: await login(ada.person) };
    },
  ],
  [
    'login',
    'with the password of a mailed reset',
    async () => {
      const ada = await enrolled();
      const token = await resetTokenFor(app, ada.person.email);
      const { data } = await callerWith(app).send(ResetPassword, { token, newPassword });
      expect(data.resetPassword).toEqual({ __typename: 'PasswordChanged', email: ada.person.email });
      return { ...ada, outcome: await login(ada.person, newPassword) };
    },
  ],
  [
    'login',
    'with a changed password',
    async () => {
      const ada = await enrolled();
      const { data } = await ada.person.send(ChangePassword, { currentPassword: password, newPassword });
      expect(data.changePassword).toEqual({ __typename: 'PasswordChanged', email: ada.person.email });
      return { ...ada, outcome: await login(ada.person, newPassword) };
    },
  ],
  [
    'login',
    'after registering once more with an invitation',
    async () => {
      const ada = await enrolled();
      const { email } = ada.person;
      const owner = await aPerson(app, { name: 'Olga' });
      await owner.send(InviteMember, { input: { organizationId: owner.organizationId, email } });
      const invitationToken = tokenIn(await waitForMail(app, { to: email, subject: 'invite' }));
      await callerWith(app).send(Register, { input: { email, password: newPassword, name: 'Ada', invitationToken } });
      expect((await login(ada.person, newPassword)).__typename).toBe('InvalidCredentials');
      return { ...ada, outcome: await login(ada.person) };
    },
  ],
  [
    'login',
    'for somebody who came by an invitation',
    async () => {
      const owner = await aPerson(app, { name: 'Olga' });
      const person = await aMemberOf(app, owner);
      const factor = await withSecondFactor(app, person);
      return { person, factor, outcome: await login(person) };
    },
  ],
  ...(['acme', 'github'] as const).map((provider): (typeof waysIn)[number] => [
    'completeOAuthLogin',
    `with ${provider}, which made the account`,
    async () => {
      const person = await aPersonFrom(world, provider);
      const factor = await withSecondFactor(app, person);
      return { person, factor, outcome: await signInWith(aTraveller(app), provider, person) };
    },
  ]),
  [
    'completeOAuthLogin',
    'with a provider that vouches for the address',
    async () => {
      const ada = await enrolled();
      const { subject } = knownAt(world, 'acme', { email: ada.person.email });
      return { ...ada, outcome: await signInWith(aTraveller(app), 'acme', { subject }) };
    },
  ],
  [
    'completeOAuthLogin',
    'with a provider that the signed-in person links',
    async () => {
      const ada = await enrolled();
      const { subject } = knownAt(world, 'acme');
      const browser = aTraveller(app).as(ada.person.accessToken);
      return { ...ada, outcome: await signInWith(browser, 'acme', { subject }) };
    },
  ],
];

describe('F21 the gate of all ways in', () => {
  test.each(waysIn)('%s %s stops at the second factor, and opens after it', async (_field, _way, goIn) => {
    const { person, factor, outcome } = await goIn();
    expect(outcome.__typename).toBe('MfaChallenge');
    expect(await liveSessionsWithoutFactor(person)).toBe(0);
    const code = await freshCode(app, person, factor);
    const { data } = await callerWith(app).send(VerifyChallenge, {
      challengeToken: outcome.challengeToken ?? '',
      code,
    });
    expect(data.verifyMfaChallenge).toMatchObject({ __typename: 'SignedIn', viewer: { mfa: { satisfied: true } } });
  });

  test('refreshSession leads past it with no token from before the second factor, and with none of its own', async () => {
    const person = await aPerson(app);
    const phone = await signIn(app, person);
    await withSecondFactor(app, person);
    const { data } = await callerWith(app).send(Refresh, { refreshToken: phone.refreshToken });
    expect(data.refreshSession.__typename).toBe('SessionEnded');
    expect(await liveSessionsWithoutFactor(person)).toBe(0);
  });

  test('has no further door: every mutation that can hand out tokens is walked here', () => {
    const fields = Object.values(schema.getMutationType()?.getFields() ?? {});
    const doors = fields.filter(({ type }) => {
      const named = 'ofType' in type ? type.ofType : type;
      return isUnionType(named) && named.getTypes().some(({ name }) => name === 'SignedIn');
    });
    const walked = new Set([...waysIn.map(([field]) => field), 'refreshSession', 'verifyMfaChallenge']);
    expect(doors.map(({ name }) => name).sort()).toEqual([...walked].sort());
    const holders = Object.values(schema.getTypeMap()).filter(
      (type) => 'getFields' in type && Object.keys(type.getFields()).includes('accessToken'),
    );
    expect(holders.map(({ name }) => name)).toEqual(['SignedIn']);
  });

  test('has one place that makes sessions, and two that ask it to', () => {
    const source = (file: string) =>
      file.startsWith('src/') && file.endsWith('.ts') && !file.startsWith('src/generated/');
    const naming = (words: RegExp) => projectFiles().filter((file) => source(file) && words.test(textOf(file)));
    expect(naming(/\bsession\s*\.(create|upsert)/)).toEqual(['src/domains/sessions/sessions.service.ts']);
    expect(naming(/\bstartSession\(/)).toEqual([
      'src/domains/mfa/sign-in.service.ts',
      'src/domains/sessions/sessions.service.ts',
    ]);
  });
});

function liveSessionsWithoutFactor({ email }: Person): Promise<number> {
  return app.platform.db.session.count({ where: { user: { email }, revokedAt: null, mfaSatisfiedAt: null } });
}
