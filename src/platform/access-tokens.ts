import { createLocalJWKSet, errors, importJWK, type JSONWebKeySet, type JWK, jwtVerify, SignJWT } from 'jose';
import { LRUCache } from 'lru-cache';
import type { SigningJwk } from '../config.ts';

const lifetimeSeconds = 300;
const issuer = 'gatehouse';
const cacheSize = 10_000;
/** What a row can be looked for by. */
const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export interface AccessToken {
  readonly token: string;
  readonly expiresAt: Date;
}

export interface VerifiedAccessToken {
  readonly userId: string;
  readonly sessionId: string;
  readonly expiresAt: Date;
}

/** JWTs (RFC 7519, EdDSA) of five minutes that name a session and say nothing about rights. */
export interface AccessTokens {
  /** The public keys, as `/.well-known/jwks.json` shows them. */
  readonly jwks: JSONWebKeySet;
  sign(subject: { userId: string; sessionId: string }, now: Date): Promise<AccessToken>;
  /** Null for a token that is malformed, forged, foreign or expired. */
  verify(token: string, now: Date): Promise<VerifiedAccessToken | null>;
}

/** @param keys private JWKs; the first one signs, all of them verify */
export async function createAccessTokens(keys: readonly SigningJwk[]): Promise<AccessTokens> {
  const [current] = keys;
  if (!current) throw new Error('there is no signing key');
  const privateKey = await importJWK(current as JWK, 'EdDSA');
  const jwks: JSONWebKeySet = { keys: keys.map(publicPart) };
  const keySet = createLocalJWKSet(jwks);
  // A signature check waits behind password hashes on the thread pool, so each token pays for it once.
  const verified = new LRUCache<string, VerifiedAccessToken>({ max: cacheSize });

  return {
    jwks,
    async sign({ userId, sessionId }, now) {
      const issuedAt = Math.floor(now.getTime() / 1000);
      const token = await new SignJWT({ sid: sessionId })
        .setProtectedHeader({ alg: 'EdDSA', kid: current.kid, typ: 'at+jwt' })
        .setIssuer(issuer)
        .setAudience(issuer)
        .setSubject(userId)
        .setIssuedAt(issuedAt)
        .setExpirationTime(issuedAt + lifetimeSeconds)
        .sign(privateKey);
      return { token, expiresAt: new Date((issuedAt + lifetimeSeconds) * 1000) };
    },
    async verify(token, now) {
      const known = verified.get(token);
      if (known) return known.expiresAt > now ? known : null;
      const fresh = await readToken(token, keySet, now);
      if (fresh) verified.set(token, fresh);
      return fresh;
    },
  };
}

async function readToken(token: string, keySet: ReturnType<typeof createLocalJWKSet>, now: Date) {
  try {
    const { payload } = await jwtVerify(token, keySet, {
      issuer,
      audience: issuer,
      typ: 'at+jwt',
      algorithms: ['EdDSA'],
      requiredClaims: ['exp', 'sub', 'sid'],
      currentDate: now,
    });
    const { sub = '', sid, exp = 0 } = payload;
    if (!uuid.test(sub) || !uuid.test(String(sid))) return null;
    return { userId: sub, sessionId: String(sid), expiresAt: new Date(exp * 1000) };
  } catch (error) {
    if (error instanceof errors.JOSEError) return null;
    throw error;
  }
}

function publicPart({ d: _private, ...key }: SigningJwk): JWK {
  return { ...key, use: 'sig', alg: 'EdDSA' };
}
