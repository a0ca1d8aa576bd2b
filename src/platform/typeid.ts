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

/** The TypeID of a row: prefix, underscore, base32 of its UUID. */
export function encodeId(kind: Kind, uuid: string): string {
  return TypeID.fromUUID(idPrefixes[kind], uuid).toString();
}

/** The UUID in a TypeID of this kind; null when malformed or of another kind. */
export function decodeId(kind: Kind, id: string): string | null {
  try {
    return TypeID.fromString(id, idPrefixes[kind]).toUUID();
  } catch {
    return null;
  }
}
