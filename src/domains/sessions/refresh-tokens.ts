import type { Keyring } from '../../platform/keyring.ts';
import { digestOf, macOf, sameBytes } from '../../platform/tokens.ts';

const prefix = 'rt_';
const label = 'refresh-token';
const uuidBytes = 16;
const generationBytes = 4;
const macBytes = 32;

export interface RefreshTokenClaims {
  readonly sessionId: string;
  readonly generation: number;
}

/**
 * The refresh token of one generation of a session. It is computed and not drawn, so that two tabs that refresh at the
 * same moment get the same successor; without the key ring nobody can compute it.
 */
export function refreshTokenOf(keyring: Keyring, claims: RefreshTokenClaims): string {
  return tokenOf(keyring.derive(label), claims);
}

/** The token of these claims that was made with any key of the ring and has this digest; null when none has. */
export function recallRefreshToken(keyring: Keyring, claims: RefreshTokenClaims, digest: Uint8Array): string | null {
  const tokens = keyring.deriveAll(label).map((key) => tokenOf(key, claims));
  return tokens.find((token) => sameBytes(digestOf(token), digest)) ?? null;
}

/** Session and generation of a token that this program made; null for anything else, so that a forgery revokes nothing. */
export function readRefreshToken(keyring: Keyring, token: string): RefreshTokenClaims | null {
  const bytes = Buffer.from(token.slice(prefix.length), 'base64url');
  if (!token.startsWith(prefix) || bytes.length !== uuidBytes + generationBytes + macBytes) return null;
  const body = bytes.subarray(0, uuidBytes + generationBytes);
  const mac = bytes.subarray(uuidBytes + generationBytes);
  if (!keyring.deriveAll(label).some((key) => sameBytes(mac, macOf(key, body)))) return null;
  const hex = body.toString('hex', 0, uuidBytes);
  return {
    sessionId: hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'),
    generation: body.readUInt32BE(uuidBytes),
  };
}

function tokenOf(key: Buffer, claims: RefreshTokenClaims): string {
  const body = bodyOf(claims);
  return prefix + Buffer.concat([body, macOf(key, body)]).toString('base64url');
}

function bodyOf({ sessionId, generation }: RefreshTokenClaims): Buffer {
  const body = Buffer.alloc(uuidBytes + generationBytes);
  body.write(sessionId.replaceAll('-', ''), 'hex');
  body.writeUInt32BE(generation, uuidBytes);
  return body;
}
