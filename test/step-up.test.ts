import { beforeAll, describe, expect, test } from 'vitest';
import { encodeId } from '../src/platform/typeid.ts';
import { graphql } from './generated/gql.ts';
import { aCast, type Cast } from './support/callers.ts';
import {
  BeginTotp,
  currentStep,
  freshCode,
  signInWithSecondFactor,
  totp,
  withSecondFactor,
} from './support/second-factor.ts';
import {
  aMemberOf,
  aPerson,
  callerWith,
  InviteMember,
  type Person,
  password,
  signIn,
  useApp,
} from './support/world.ts';

const app = useApp();

const Reauthenticate = graphql(`
  mutation Reauthenticate($password: String, $code: String) {
    reauthenticate(input: { password: $password, code: $code }) {
      __typename
      ... on Reauthenticated { until }
      ... on Error { code }
    }
  }
`);
const Satisfied = graphql(`query Satisfied { viewer { mfa { satisfied } } }`);
const RegenerateCodes = graphql(`mutation RegenerateCodes { regenerateBackupCodes { __typename } }`);
const DisableFactor = graphql(`mutation DisableFactor { disableTotp(input: { code: "123456" }) { __typename } }`);

const reauthenticate = async (person: Person, proofs: { password?: string; code?: string }) =>
  (await person.send(Reauthenticate, proofs)).data.reauthenticate;

/** As if the last proof of a person were that old. */
const age = (person: Person, minutes: number) =>
  app.platform.db.session.updateMany({
    where: { user: { email: person.email } },
    data: { authenticatedAt: new Date(Date.now() - minutes * 60_000) },
  });

const change = (person: Person, data: { passwordHash: null }) =>
  app.platform.db.user.update({ where: { email: person.email }, data });

describe('what needs a recent proof', () => {
  test('is open for ten minutes after signing in, and again after reauthenticate', async () => {
    const ada = await aPerson(app);
    await age(ada, 9);
    expect((await ada.send(BeginTotp)).codes).toEqual([]);
    await age(ada, 11);
    expect((await ada.send(BeginTotp)).codes).toEqual(['REAUTHENTICATION_REQUIRED']);
    const proved = await reauthenticate(ada, { password });
    const until = proved.__typename === 'Reauthenticated' ? Date.parse(proved.until) - Date.now() : 0;
    expect(until).toBeGreaterThan(590_000);
    expect(until).toBeLessThanOrEqual(600_000);
    expect((await ada.send(BeginTotp)).codes).toEqual([]);
  });

  test('is told of every mutation of the second factor that asks for it', async () => {
    const ada = await aPerson(app);
    await withSecondFactor(app, ada);
    await age(ada, 11);
    for (const document of [BeginTotp, RegenerateCodes, DisableFactor]) {
      expect((await ada.send(document as typeof BeginTotp)).codes).toEqual(['REAUTHENTICATION_REQUIRED']);
    }
  });

  test('is proved for this session alone', async () => {
    const ada = await aPerson(app);
    const phone = await signIn(app, ada);
    await age(ada, 11);
    await reauthenticate(phone, { password });
    expect((await phone.send(BeginTotp)).codes).toEqual([]);
    expect((await ada.send(BeginTotp)).codes).toEqual(['REAUTHENTICATION_REQUIRED']);
  });
});

describe('reauthenticate', () => {
  test('takes the password of a person without a second factor, and gives no second factor for it', async () => {
    const ada = await aPerson(app);
    expect((await reauthenticate(ada, { password })).__typename).toBe('Reauthenticated');
    expect((await ada.send(Satisfied)).data.viewer?.mfa.satisfied).toBe(false);
  });

  test('takes password and code, both, of a person who has both', async () => {
    const ada = await aPerson(app);
    const factor = await withSecondFactor(app, ada);
    await age(ada, 11);
    const code = () => freshCode(app, ada, factor);
    expect(await reauthenticate(ada, { password })).toMatchObject({ code: 'INVALID_CODE' });
    expect(await reauthenticate(ada, { password, code: totp(factor.secret, currentStep() - 9) })).toMatchObject({
      code: 'INVALID_CODE',
    });
    expect(await reauthenticate(ada, { code: await code() })).toMatchObject({ code: 'INVALID_CREDENTIALS' });
    expect(await reauthenticate(ada, { password: 'wrong', code: await code() })).toMatchObject({
      code: 'INVALID_CREDENTIALS',
    });
    expect((await ada.send(BeginTotp)).codes).toEqual(['REAUTHENTICATION_REQUIRED']);
    expect((await reauthenticate(ada, { password, code: await code() })).__typename).toBe('Reauthenticated');
  });

  test('does not use up the code that comes with a wrong password', async () => {
    const ada = await aPerson(app);
    const factor = await withSecondFactor(app, ada);
    const code = await freshCode(app, ada, factor);
    await reauthenticate(ada, { password: 'wrong', code });
    expect((await reauthenticate(ada, { password, code })).__typename).toBe('Reauthenticated');
    expect(await reauthenticate(ada, { password, code })).toMatchObject({ code: 'INVALID_CODE' });
  });

  test('takes the code alone of a person without a password, and nothing of one who has neither', async () => {
    const ada = await aPerson(app);
    const factor = await withSecondFactor(app, ada);
    await change(ada, { passwordHash: null });
    expect(await reauthenticate(ada, {})).toMatchObject({ code: 'INVALID_CODE' });
    expect((await reauthenticate(ada, { code: factor.backupCodes[0] })).__typename).toBe('Reauthenticated');
    const grace = await aPerson(app, { name: 'Grace' });
    await change(grace, { passwordHash: null });
    for (const proofs of [{}, { password }, { password: '' }, { code: '123456' }]) {
      expect(await reauthenticate(grace, proofs)).toMatchObject({ code: 'INVALID_CREDENTIALS' });
    }
  });

  test('counts wrong passwords of the account: after ten more even the right one is refused for a while', async () => {
    const ada = await aPerson(app);
    const wrong = await Promise.all(Array.from({ length: 20 }, () => reauthenticate(ada, { password: 'wrong' })));
    expect(wrong.every((answer) => answer.__typename === 'InvalidCredentials')).toBe(true);
    expect(await reauthenticate(ada, { password })).toMatchObject({ code: 'INVALID_CREDENTIALS' });
    await app.platform.db.attemptCounter.updateMany({ data: { lockedUntil: new Date() } });
    expect((await reauthenticate(ada, { password })).__typename).toBe('Reauthenticated');
  });

  test('is refused to nobody', async () => {
    expect((await callerWith(app).send(Reauthenticate, { password })).codes).toEqual(['UNAUTHENTICATED']);
  });
});

describe('requiresMfa', () => {
  const Inside = graphql(`
    query Inside($id: ID!) { organization(id: $id) { name slug requiresMfa viewerRole members { totalCount } } }
  `);
  const Outside = graphql(`query Outside($id: ID!) { organization(id: $id) { name slug requiresMfa viewerRole } }`);
  const Nodes = graphql(`query NodesOf($ids: [ID!]!) { nodes(ids: $ids) { __typename } }`);
  let cast: Cast;
  let member: Person;
  let ids: string[];

  beforeAll(async () => {
    cast = await aCast(app);
    member = await aMemberOf(app, cast.owner, { role: 'ADMIN', name: 'Nora' });
    const input = { organizationId: cast.organizationId, email: 'someone@example.com' };
    const invited = (await cast.owner.send(InviteMember, { input })).data.inviteMember;
    const seat = await app.platform.db.membership.findFirstOrThrow({ where: { user: { email: cast.owner.email } } });
    ids = [
      cast.owner.id,
      encodeId('Membership', seat.id),
      invited.__typename === 'InvitationSent' ? invited.invitation.id : '',
    ];
    expect((await kindsSeenBy(member)).filter(Boolean)).toEqual(['User', 'Membership', 'Invitation']);
    await app.platform.db.organization.updateMany({ where: { slug: { not: '' } }, data: { requiresMfa: true } });
  });

  const kindsSeenBy = async (person: Person) =>
    (await person.send(Nodes, { ids })).data.nodes.map((node) => node?.__typename);

  test('leaves name and role to be read, so that an app can tell why', async () => {
    const { data, codes } = await member.send(Outside, { id: cast.organizationId });
    expect(codes).toEqual([]);
    expect(data.organization).toMatchObject({ requiresMfa: true, viewerRole: 'ADMIN' });
  });

  test('refuses what is in the organization to members without a second factor, on every path', async () => {
    for (const person of [member, cast.owner]) {
      expect((await person.send(Inside, { id: cast.organizationId })).codes).toEqual(['MFA_REQUIRED']);
    }
    const input = { organizationId: cast.organizationId, email: 'other@example.com' };
    expect((await member.send(InviteMember, { input })).codes).toEqual(['MFA_REQUIRED']);
    const active = { 'x-organization-id': cast.organizationId };
    expect((await member.send(Inside, { id: cast.organizationId }, active)).codes).toEqual(['MFA_REQUIRED']);
    expect(await kindsSeenBy(member)).toEqual([undefined, undefined, undefined]);
  });

  test('says NOT_FOUND to outsiders and FORBIDDEN to members of too low a role as ever', async () => {
    const { outsider, member: low } = cast.callers;
    const input = { organizationId: cast.organizationId, email: 'third@example.com' };
    expect((await outsider.send(InviteMember, { input })).codes).toEqual(['NOT_FOUND']);
    expect((await low.send(InviteMember, { input })).codes).toEqual(['FORBIDDEN']);
  });

  test('lets members in once they have enrolled, in this session and in later ones', async () => {
    const factor = await withSecondFactor(app, member);
    for (const person of [member, await signInWithSecondFactor(app, member, factor)]) {
      const { data, codes } = await person.send(Inside, { id: cast.organizationId });
      expect([codes, data.organization?.members.totalCount]).toEqual([[], 4]);
    }
    expect(await kindsSeenBy(member)).toEqual(['User', 'Membership', 'Invitation']);
  });
});
