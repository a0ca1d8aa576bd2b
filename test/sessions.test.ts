import { decodeProtectedHeader, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import { waitForMail } from './support/mailbox.ts';
import { Logout, Ping, Refresh } from './support/session-operations.ts';
import { aPerson, callerWith, type Person, signIn, startTestApp, type TestApp, useApp } from './support/world.ts';

const app = useApp();

async function refresh(refreshToken: string) {
  const { data } = await callerWith(app).send(Refresh, { refreshToken });
  return data.refreshSession;
}

const rowOf = (person: Person) =>
  app.platform.db.session.findFirstOrThrow({ where: { user: { email: person.email } }, orderBy: { id: 'desc' } });

async function moveRotationBack(person: Person, seconds: number) {
  const { id } = await rowOf(person);
  await app.platform.db.session.update({ where: { id }, data: { rotatedAt: new Date(Date.now() - seconds * 1000) } });
}

describe('refreshSession', () => {
  test('F04 finds its session, rotates the token, and keeps only digests', async () => {
    const ada = await aPerson(app);
    const first = await refresh(ada.refreshToken);
    if (first.__typename !== 'SignedIn') throw new Error(first.__typename);
    expect(first.viewer.email).toBe(ada.email);
    expect(first.refreshToken).not.toBe(ada.refreshToken);
    expect((await callerWith(app, first.accessToken).send(Ping)).data.viewer?.email).toBe(ada.email);
    const row = JSON.stringify(await app.platform.db.$queryRaw`SELECT s::text FROM sessions s`);
    for (const token of [ada.refreshToken, first.refreshToken ?? '']) {
      expect(row).not.toContain(token);
      expect(row).not.toContain(Buffer.from(token).toString('hex'));
      expect(row).not.toContain(Buffer.from(token.slice(3), 'base64url').toString('hex'));
    }
  });

  test('F04 never refreshes a session that was logged out', async () => {
    const ada = await aPerson(app);
    await ada.send(Logout);
    expect((await refresh(ada.refreshToken)).__typename).toBe('SessionEnded');
  });

  test('F22 gives twenty racers the same successor and one generation', async () => {
    const ada = await aPerson(app);
    const answers = await Promise.all(Array.from({ length: 20 }, () => refresh(ada.refreshToken)));
    const successors = new Set(answers.map((answer) => answer.__typename === 'SignedIn' && answer.refreshToken));
    expect(successors.size).toBe(1);
    expect((await rowOf(ada)).generation).toBe(1);
  });

  test('F22 revokes the session, and it alone, when a spent token comes back after its grace', async () => {
    const ada = await aPerson(app);
    const phone = await signIn(app, ada);
    const next = await refresh(phone.refreshToken);
    await moveRotationBack(phone, 16);
    expect((await refresh(phone.refreshToken)).__typename).toBe('SessionEnded');
    expect((await refresh(next.__typename === 'SignedIn' ? (next.refreshToken ?? '') : '')).__typename).toBe(
      'SessionEnded',
    );
    expect((await rowOf(phone)).revokeReason).toBe('refresh-token-reused');
    expect((await phone.send(Ping)).codes).toEqual(['UNAUTHENTICATED']);
    expect((await refresh(ada.refreshToken)).__typename).toBe('SignedIn');
    const entries = await app.platform.db.auditEntry.count({ where: { action: 'session.revokedForReuse' } });
    expect(entries).toBeGreaterThan(0);
  });

  test('F22 tells the person by mail of a revocation, once, when twenty spent tokens come back at once', async () => {
    const ada = await aPerson(app);
    await refresh(ada.refreshToken);
    await moveRotationBack(ada, 16);
    const answers = await Promise.all(Array.from({ length: 20 }, () => refresh(ada.refreshToken)));
    expect(new Set(answers.map(({ __typename }) => __typename))).toEqual(new Set(['SessionEnded']));
    await waitForMail(app, { to: ada.email, subject: 'signed out for safety' });
    const { id: targetId } = await rowOf(ada);
    expect(await app.platform.db.auditEntry.count({ where: { action: 'session.revokedForReuse', targetId } })).toBe(1);
    const jobs = await app.platform.db.$queryRaw<unknown[]>`
      SELECT 1 FROM pgboss.job WHERE name = 'account.sendNotice' AND data ->> 'userId' = ${(await rowOf(ada)).userId}`;
    expect(jobs).toHaveLength(1);
  });

  test('F22 revokes for a token older than the previous one, whatever the time', async () => {
    const ada = await aPerson(app);
    const second = await refresh(ada.refreshToken);
    await refresh(second.__typename === 'SignedIn' ? (second.refreshToken ?? '') : '');
    expect((await refresh(ada.refreshToken)).__typename).toBe('SessionEnded');
    expect((await rowOf(ada)).revokedAt).not.toBeNull();
  });

  test.each([['nonsense'], ['rt_AAAA'], ['']])('ends nothing for the forgery "%s"', async (forgery) => {
    const ada = await aPerson(app);
    const tampered = `${ada.refreshToken.slice(0, -2)}${ada.refreshToken.endsWith('AA') ? 'BB' : 'AA'}`;
    for (const token of [forgery, tampered, ada.accessToken]) {
      expect((await refresh(token)).__typename).toBe('SessionEnded');
    }
    expect((await refresh(ada.refreshToken)).__typename).toBe('SignedIn');
  });

  test('F30 gives nothing to a locked or unconfirmed account, nor does its access token', async () => {
    for (const change of [{ lockedAt: new Date() }, { emailVerifiedAt: null }]) {
      const ada = await aPerson(app);
      await app.platform.db.user.update({ where: { email: ada.email }, data: change });
      expect((await refresh(ada.refreshToken)).__typename).toBe('SessionEnded');
      expect(await ada.send(Ping)).toMatchObject({ status: 401, codes: ['UNAUTHENTICATED'] });
    }
  });

  test('ends with the idle and with the absolute time', async () => {
    for (const change of [{ idleExpiresAt: new Date() }, { expiresAt: new Date() }]) {
      const ada = await aPerson(app);
      await app.platform.db.session.updateMany({ where: { user: { email: ada.email } }, data: change });
      expect((await refresh(ada.refreshToken)).__typename).toBe('SessionEnded');
      expect((await ada.send(Ping)).codes).toEqual(['UNAUTHENTICATED']);
    }
  });
});

describe('logout', () => {
  test('F16 ends the session’s access token at the next request, and leaves other devices alone', async () => {
    const ada = await aPerson(app);
    const phone = await signIn(app, ada);
    const { data } = await phone.send(Logout);
    expect(data.logout).toEqual({ __typename: 'LoggedOut', sessionId: phone.sessionId });
    expect(await phone.send(Ping)).toMatchObject({ status: 401, codes: ['UNAUTHENTICATED'] });
    expect((await ada.send(Ping)).data.viewer?.email).toBe(ada.email);
  });

  test('is refused to nobody', async () => {
    expect((await callerWith(app).send(Logout)).codes).toEqual(['UNAUTHENTICATED']);
  });
});

describe('access tokens', () => {
  test('verify with the published keys and say nothing about rights', async () => {
    const ada = await aPerson(app);
    const jwks = await (await fetch(`${app.url}/.well-known/jwks.json`)).json();
    expect(JSON.stringify(jwks)).not.toContain('"d"');
    const claims = JSON.parse(Buffer.from(ada.accessToken.split('.')[1] ?? '', 'base64url').toString());
    expect(Object.keys(claims).sort()).toEqual(['aud', 'exp', 'iat', 'iss', 'sid', 'sub']);
    expect(claims.exp - claims.iat).toBe(300);
  });

  test('are refused when another key or none signed them', async () => {
    const ada = await aPerson(app);
    const [, body = ''] = ada.accessToken.split('.');
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString());
    const { privateKey } = await generateKeyPair('EdDSA');
    const { kid } = app.platform.accessTokens.jwks.keys[0] ?? {};
    const foreign = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid: kid ?? '' })
      .sign(privateKey);
    const unsigned = `${Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url')}.${body}.`;
    for (const token of [foreign, unsigned]) {
      expect((await callerWith(app, token).send(Ping)).codes).toEqual(['UNAUTHENTICATED']);
    }
  });

  test('of every key verify while their key is known, and the first key signs', async () => {
    const [first, second] = [await aSigningKey('first'), await aSigningKey('second')];
    const before = await startTestApp(signedWith(first, second));
    const rolled = await startTestApp(signedWith(second, first), { beside: before });
    const retired = await startTestApp(signedWith(second), { beside: before });
    const ada = await aPerson(before);
    const laptop = await signIn(rolled, ada);
    expect([ada, laptop].map(({ accessToken }) => decodeProtectedHeader(accessToken).kid)).toEqual(['first', 'second']);
    expect(await Promise.all([before, rolled, retired].map(publishedKeys))).toEqual([
      ['first', 'second'],
      ['second', 'first'],
      ['second'],
    ]);
    const answers = [before, rolled, retired].map(async (app) => {
      const pings = [ada, laptop].map(({ accessToken }) => callerWith(app, accessToken).send(Ping));
      return (await Promise.all(pings)).map(({ status }) => status);
    });
    expect(await Promise.all(answers)).toEqual([
      [200, 200],
      [200, 200],
      [401, 200],
    ]);
    for (const app of [retired, rolled, before]) await app.close();
  });
});

async function aSigningKey(kid: string) {
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  return { ...(await exportJWK(privateKey)), kid };
}

const signedWith = (...keys: object[]) => ({ SIGNING_KEYS: JSON.stringify({ keys }) });

async function publishedKeys({ url }: TestApp): Promise<string[]> {
  const { keys } = (await (await fetch(`${url}/.well-known/jwks.json`)).json()) as { keys: { kid: string }[] };
  return keys.map(({ kid }) => kid);
}
