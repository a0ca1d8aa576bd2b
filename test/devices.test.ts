import { describe, expect, test } from 'vitest';
import { decodeId } from '../src/platform/typeid.ts';
import { graphql } from './generated/gql.ts';
import { Logout, Ping, Refresh } from './support/session-operations.ts';
import { aPerson, callerWith, Login, type Person, password, signIn, useApp } from './support/world.ts';

const app = useApp({ TRUSTED_PROXIES: '127.0.0.1/32' });

const Sessions = graphql(`
  query Sessions {
    viewer {
      session { id }
      sessions { id isCurrent device userAgent ipAddress createdAt lastSeenAt expiresAt method }
    }
  }
`);
const RevokeSession = graphql(`
  mutation RevokeSession($id: ID!) {
    revokeSession(input: { id: $id }) { __typename ... on SessionsRevoked { count } }
  }
`);
const RevokeOtherSessions = graphql(`
  mutation RevokeOtherSessions { revokeOtherSessions { __typename ... on SessionsRevoked { count } } }
`);

const sessionsOf = async (person: Person) => (await person.send(Sessions)).data.viewer?.sessions ?? [];
const countOf = (result: object) => ('count' in result ? result.count : null);
const revoke = async (person: Person, id: string) =>
  countOf((await person.send(RevokeSession, { id })).data.revokeSession);
const isOver = async (person: Person) => (await person.send(Ping)).status === 401;
const uuidOf = ({ sessionId }: Person) => decodeId('Session', sessionId) ?? '';
const auditOf = (action: string, person: Person) =>
  app.platform.db.auditEntry.findMany({ where: { action, sessionId: uuidOf(person) }, orderBy: { sequence: 'asc' } });

async function aTrio(): Promise<[Person, Person, Person]> {
  const ada = await aPerson(app);
  return [ada, await signIn(app, ada), await signIn(app, ada)];
}

describe('viewer.sessions', () => {
  test('lists the person’s own live sessions, newest first, and says which one asks', async () => {
    const [ada, phone, tablet] = await aTrio();
    await aPerson(app);
    const sessions = await sessionsOf(phone);
    expect(sessions.map(({ id }) => id)).toEqual([tablet.sessionId, phone.sessionId, ada.sessionId]);
    expect(sessions.map(({ isCurrent }) => isCurrent)).toEqual([false, true, false]);
  });

  test('leaves out what was logged out, has expired or was not used for too long', async () => {
    const [ada, phone, tablet] = await aTrio();
    const watch = await signIn(app, ada);
    await phone.send(Logout);
    const end = (person: Person, data: object) =>
      app.platform.db.session.update({ where: { id: uuidOf(person) }, data });
    await end(tablet, { expiresAt: new Date() });
    await end(watch, { idleExpiresAt: new Date() });
    expect((await sessionsOf(ada)).map(({ id }) => id)).toEqual([ada.sessionId]);
  });
});

describe('a session', () => {
  test.each([
    ['Firefox on Linux', 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'],
    [
      'Chrome on Windows',
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36',
    ],
    [
      'Safari on iOS',
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1',
    ],
    [
      'Chrome on Android',
      'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36',
    ],
    [
      'Microsoft Edge on macOS',
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0',
    ],
    ['Unknown device', '<script>alert(1)</script>'],
    ['Unknown device', ''],
  ])('is called %s, after what the device says', async (device, userAgent) => {
    const ada = await aPerson(app);
    const { data } = await callerWith(app).send(
      Login,
      { input: { email: ada.email, password } },
      { 'user-agent': userAgent },
    );
    expect(data.login.__typename).toBe('SignedIn');
    expect((await sessionsOf(ada))[0]?.device).toBe(device);
  });

  test('was last seen when and where it was last refreshed', async () => {
    const ada = await aPerson(app);
    const earlier = new Date(Date.now() - 60_000);
    await app.platform.db.session.update({
      where: { id: uuidOf(ada) },
      data: { lastSeenAt: earlier, idleExpiresAt: new Date(Date.now() + 60_000) },
    });
    await callerWith(app).send(
      Refresh,
      { refreshToken: ada.refreshToken },
      { 'user-agent': 'curl/8.0', 'x-forwarded-for': '198.51.100.7' },
    );
    const [session] = await sessionsOf(ada);
    expect(session).toMatchObject({ ipAddress: '198.51.100.7', userAgent: 'curl/8.0' });
    expect(new Date(session?.lastSeenAt ?? 0) > earlier).toBe(true);
    expect(new Date(session?.expiresAt ?? 0).getTime() - Date.now()).toBeGreaterThan(13 * 86_400_000);
  });
});

describe('revokeSession', () => {
  test('F16 ends one session at its next request, and leaves the others alone', async () => {
    const [ada, phone, tablet] = await aTrio();
    expect(await revoke(ada, phone.sessionId)).toBe(1);
    expect(await Promise.all([ada, phone, tablet].map(isOver))).toEqual([false, true, false]);
    const { data } = await callerWith(app).send(Refresh, { refreshToken: phone.refreshToken });
    expect(data.refreshSession.__typename).toBe('SessionEnded');
  });

  test('gives NOT_FOUND for a foreign session as for one that is not there, and ends nothing', async () => {
    const [ada, eve] = [await aPerson(app), await aPerson(app)];
    const foreign = await eve.send(RevokeSession, { id: ada.sessionId });
    for (const id of ['ses_00000000000000000000000000', ada.id, 'nonsense']) {
      const missing = await eve.send(RevokeSession, { id });
      expect([missing.codes, missing.errors[0]?.message]).toEqual([foreign.codes, foreign.errors[0]?.message]);
    }
    expect(foreign.codes).toEqual(['NOT_FOUND']);
    expect(await isOver(ada)).toBe(false);
  });

  test('counts and audits one end, also of twenty at once', async () => {
    const [ada, phone] = await aTrio();
    const counts = await Promise.all(Array.from({ length: 20 }, () => revoke(ada, phone.sessionId)));
    expect(counts.filter((count) => count === 1)).toHaveLength(1);
    expect(counts.filter((count) => count === 0)).toHaveLength(19);
    const entries = await auditOf('session.revoked', ada);
    expect(entries.map(({ targetId }) => targetId)).toEqual([uuidOf(phone)]);
  });

  test('is refused to nobody', async () => {
    const ada = await aPerson(app);
    expect((await callerWith(app).send(RevokeSession, { id: ada.sessionId })).codes).toEqual(['UNAUTHENTICATED']);
  });
});

describe('revokeOtherSessions', () => {
  test('F16 ends all but the one that asks, and nobody else’s', async () => {
    const [ada, phone, tablet] = await aTrio();
    const eve = await aPerson(app);
    const { data } = await phone.send(RevokeOtherSessions);
    expect(data.revokeOtherSessions).toEqual({ __typename: 'SessionsRevoked', count: 2 });
    expect(await Promise.all([ada, phone, tablet, eve].map(isOver))).toEqual([true, false, true, false]);
    const [entry, ...others] = await auditOf('session.othersRevoked', phone);
    expect([entry?.metadata, others]).toEqual([{ count: 2 }, []]);
  });

  test('counts none where there is no other', async () => {
    const ada = await aPerson(app);
    const { data } = await ada.send(RevokeOtherSessions);
    expect(data.revokeOtherSessions).toEqual({ __typename: 'SessionsRevoked', count: 0 });
    expect(await auditOf('session.othersRevoked', ada)).toEqual([]);
  });
});
