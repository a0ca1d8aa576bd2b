import {
  createHash,
  createHmac,
  createSecretKey,
  hash,
  type KeyObject,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';

const secretBytes = 32;

/** 256 random bits in base64url, for links and keys that are shown once. */
export function newSecret(): string {
  return randomBytes(secretBytes).toString('base64url');
}

/** SHA-256 of a secret: enough at rest, because what is digested here has 256 bits of entropy. */
export function digestOf(secret: string): Buffer<ArrayBuffer> {
  return createHash('sha256').update(secret).digest();
}

/** To make a key ready costs Node more than the MAC itself. */
const ready = new WeakMap<Buffer, KeyObject>();

/** HMAC-SHA-256 of `parts` under `key`, whose bytes never change. */
export function macOf(key: Buffer, ...parts: (string | Buffer)[]): Buffer<ArrayBuffer> {
  const keyObject = ready.get(key) ?? createSecretKey(key);
  ready.set(key, keyObject);
  const mac = createHmac('sha256', keyObject);
  for (const part of parts) mac.update(part);
  return mac.digest();
}

const shortMacChars = 16;
const texts = new WeakMap<Buffer, string>();

/**
 * 96 bits of a MAC in base64url, for what a page has forty of: SHA3-256 of the key and then the text, which is a MAC without
 * the construction of HMAC since nobody can extend what SHA-3 has read (FIPS 202). A third of its time.
 */
export function shortMacOf(key: Buffer, text: string): string {
  const keyText = texts.get(key) ?? key.toString('hex');
  texts.set(key, keyText);
  return hash('sha3-256', keyText + text, 'base64url').slice(0, shortMacChars);
}

/** Compares in constant time; false for different lengths. */
export function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && timingSafeEqual(left, right);
}
