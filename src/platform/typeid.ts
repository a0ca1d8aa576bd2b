import { TypeID, typeid } from 'typeid-js';

/** The prefix that each kind of thing carries wherever its id leaves the program. */
export const idPrefixes = {
  Viewer: 'vwr',
  User: 'usr',
  Organization: 'org',
  Session: 'ses',
  Membership: 'mem',
  Invitation: 'inv',
  Identity: 'idn',
  ApiKey: 'key',
  AuditEntry: 'aud',
  AuditExport: 'axp',
  File: 'fil',
  Upload: 'upl',
  WebhookEndpoint: 'whe',
  WebhookEvent: 'evt',
  WebhookDelivery: 'dlv',
  Notification: 'ntf',
  DeadLetter: 'dlq',
} as const;

export type Kind = keyof typeof idPrefixes;

/** No row has this id: what cannot be read leads here, by the same path as an unknown id. */
export const nilId = '00000000-0000-0000-0000-000000000000';

/** A new UUIDv7 for a row: sortable by the moment it was made. */
export function newId(): string {
  return typeid().toUUID();
}

const alphabet = [...'0123456789abcdefghjkmnpqrstvwxyz'];
const pairs = alphabet.flatMap((high) => alphabet.map((low) => high + low));
/** Where a UUID has its 32 digits. */
const digitPlaces = [...nilId].flatMap((digit, place) => (digit === '0' ? [place] : []));

/**
 * The TypeID of a row: prefix, underscore, Crockford's base32 of its UUID. Written out, since a page has sixty of them, and
 * the library reads each one again that it has written.
 */
export function encodeId(kind: Kind, uuid: string): string {
  let id = `${idPrefixes[kind]}_${pairs[bitsOf(uuid, 0, 2)]}`;
  for (let at = 2; at < 32; at += 5) {
    const bits = bitsOf(uuid, at, 5);
    id += `${pairs[bits >> 10]}${pairs[bits & 1023]}`;
  }
  return id;
}

/** Of so many digits of a UUID, from one on. */
function bitsOf(uuid: string, from: number, count: number): number {
  let bits = 0;
  for (let at = from; at < from + count; at += 1) {
    const digit = uuid.charCodeAt(digitPlaces[at] ?? 0);
    bits = (bits << 4) | ((digit & 15) + (digit > 57 ? 9 : 0));
  }
  return bits;
}

/** The UUID in a TypeID of this kind; null when malformed or of another kind. */
export function decodeId(kind: Kind, id: string): string | null {
  try {
    return TypeID.fromString(id, idPrefixes[kind]).toUUID();
  } catch {
    return null;
  }
}
