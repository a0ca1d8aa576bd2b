import { hkdfSync } from 'node:crypto';
import type { KeyringKey } from '../config.ts';

/** Keys derived from the key ring, one family a label, so that no key serves two purposes (RFC 5869, HKDF-SHA256). */
export interface Keyring {
  readonly currentId: string;
  readonly ids: readonly string[];
  /** The key of `label` to make new things with. */
  derive(label: string): Buffer;
  /** The keys of `label` that may have made older things, the current one first. */
  deriveAll(label: string): readonly Buffer[];
  /** The key of `label` that belongs to one id of the ring; null for an id that is not in it. */
  deriveFrom(id: string, label: string): Buffer | null;
}

/** @param keys the first one is the current one */
export function createKeyring(keys: readonly KeyringKey[]): Keyring {
  const [current] = keys;
  if (!current) throw new Error('the key ring is empty');
  const cache = new Map<string, Buffer>();
  const keyOf = ({ id, secret }: KeyringKey, label: string) => {
    const name = `${id}/${label}`;
    const known = cache.get(name);
    if (known) return known;
    const derived = Buffer.from(hkdfSync('sha256', secret, '', `gatehouse/${label}`, 32));
    cache.set(name, derived);
    return derived;
  };
  return {
    currentId: current.id,
    ids: keys.map(({ id }) => id),
    derive: (label) => keyOf(current, label),
    deriveAll: (label) => keys.map((key) => keyOf(key, label)),
    deriveFrom(id, label) {
      const key = keys.find((candidate) => candidate.id === id);
      return key ? keyOf(key, label) : null;
    },
  };
}
