import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Keyring } from './keyring.ts';

const version = 'e1';
const label = 'envelope';
const ivBytes = 12;
const tagBytes = 16;
const keyBytes = 32;

/** Where a value lies. It is bound to this place: in another row or column it cannot be opened. */
export interface Place {
  readonly table: string;
  readonly column: string;
  readonly rowId: string;
  /** The organization or person that the row belongs to. */
  readonly ownerId: string;
}

/**
 * Encrypts a value that must be read again: AES-256-GCM under a data key of its own, which is wrapped by the current
 * key of the ring. The text is `e1.<key id>.<wrapped data key>.<value>`, both parts bound to `place`.
 */
export function seal(keyring: Keyring, place: Place, value: string): string {
  const dataKey = randomBytes(keyBytes);
  const wrapped = encrypt(keyring.derive(label), place, dataKey);
  return [version, keyring.currentId, wrapped, encrypt(dataKey, place, Buffer.from(value))].join('.');
}

/** @throws Error for a value that was changed, cut, moved here from another place, or sealed with a key not in the ring */
export function open(keyring: Keyring, place: Place, sealed: string): string {
  const { dataKey, value } = unwrap(keyring, place, sealed);
  return decrypt(dataKey, place, value).toString();
}

/** The same value with its data key wrapped by the current key; unchanged when it is already. */
export function rewrap(keyring: Keyring, place: Place, sealed: string): string {
  const { keyId, dataKey, value } = unwrap(keyring, place, sealed);
  if (keyId === keyring.currentId) return sealed;
  return [version, keyring.currentId, encrypt(keyring.derive(label), place, dataKey), value].join('.');
}

function unwrap(keyring: Keyring, place: Place, sealed: string) {
  const [head, keyId = '', wrapped = '', value = '', ...rest] = sealed.split('.');
  const key = keyring.deriveFrom(keyId, label);
  if (head !== version || !key || rest.length > 0)
    throw new Error('a sealed value has no key in the ring, or no known form');
  return { keyId, value, dataKey: decrypt(key, place, wrapped) };
}

function encrypt(key: Buffer, place: Place, plain: Buffer): string {
  const iv = randomBytes(ivBytes);
  const cipher = createCipheriv('aes-256-gcm', key, iv, { authTagLength: tagBytes }).setAAD(bindingOf(place));
  return Buffer.concat([iv, cipher.update(plain), cipher.final(), cipher.getAuthTag()]).toString('base64url');
}

function decrypt(key: Buffer, place: Place, text: string): Buffer {
  const bytes = Buffer.from(text, 'base64url');
  if (bytes.length < ivBytes + tagBytes) throw new Error('a sealed value is cut');
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, ivBytes), { authTagLength: tagBytes });
  decipher.setAAD(bindingOf(place)).setAuthTag(bytes.subarray(-tagBytes));
  return Buffer.concat([decipher.update(bytes.subarray(ivBytes, -tagBytes)), decipher.final()]);
}

/** Each part with its length before it, so that no two places read the same. */
function bindingOf({ table, column, rowId, ownerId }: Place): Buffer {
  return Buffer.from([version, table, column, rowId, ownerId].map((part) => `${part.length}:${part}`).join('|'));
}
