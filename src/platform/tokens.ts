import { createHash, createHmac, createSecretKey, type KeyObject, randomBytes, timingSafeEqual } from 'node:crypto';

const secretBytes = 32;

/** 256 random bits in base64url, for links and keys that are shown once. */
export function newSecret(): string {
  return randomBytes(secretBytes).toString('base64url');
}

/** SHA-256 of a secret: enough at rest, because what is digested here has 256 bits of entropy. */
export function digestOf(secret: string): Buffer<ArrayBuffer> {
  return createHash('sha256').update(secret).digest();
}

/** To make a key ready costs Node more than the MAC itself, and a page of a list takes forty. */
const ready = new WeakMap<Buffer, KeyObject>();

/** HMAC-SHA-256 of `parts` under `key`, whose bytes never change. */
export function macOf(key: Buffer, ...parts: (string | Buffer)[]): Buffer<ArrayBuffer> {
  const keyObject = ready.get(key) ?? createSecretKey(key);
  ready.set(key, keyObject);
  const mac = createHmac('sha256', keyObject);
  for (const part of parts) mac.update(part);
  return mac.digest();
}

/** Compares in constant time; false for different lengths. */
export function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && timingSafeEqual(left, right);
}
