import { hkdfSync } from 'node:crypto';
import type { KeyringKey } from '../config.ts';

/** Keys derived from the key ring, one family a label, so that no key serves two purposes (RFC 5869, HKDF-SHA256). */
export interface Keyring {
  /** The key of `label` to make new things with. */
  derive(label: string): Buffer;
  /** The keys of `label` that may have made older things, the current one first. */
  deriveAll(label: string): readonly Buffer[];
}

/** @param keys the first one is the current one */
export function createKeyring(keys: readonly KeyringKey[]): Keyring {
  const [current] = keys;
  if (!current) throw new Error('the key ring is empty');
  const cache = new Map<string, readonly Buffer[]>();
  const deriveAll = (label: string) => {
    const known = cache.get(label);
    if (known) return known;
    const derived = keys.map((key) => Buffer.from(hkdfSync('sha256', key.secret, '', `gatehouse/${label}`, 32)));
    cache.set(label, derived);
    return derived;
  };
  return { deriveAll, derive: (label) => deriveAll(label)[0] ?? Buffer.alloc(0) };
}
