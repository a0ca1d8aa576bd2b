import type { File } from '../../generated/prisma/client.ts';
import type { Keyring } from '../../platform/keyring.ts';
import { macOf, sameBytes } from '../../platform/tokens.ts';

const label = 'download-link';

/** What a link lets its holder do, and on whose behalf. */
export interface DownloadGrant {
  readonly fileId: string;
  /** Pixels of the longer edge of a thumbnail; null for the file itself. */
  readonly thumbnailEdge: number | null;
  /** `attachment` or `inline`. */
  readonly disposition: string;
  /** Seconds since 1970. */
  readonly expiresAt: number;
  readonly sessionId: string | null;
  readonly apiKeyId: string | null;
}

/** The key and the signature of a grant, which holds for these very bytes. */
export function signGrant(keyring: Keyring, grant: DownloadGrant, file: Pick<File, 'storageKey'>) {
  return {
    keyId: keyring.currentId,
    signature: mac(keyring.derive(label), grant, file).toString('base64url'),
  };
}

/** Whether this program made the grant for these bytes, with a key that is still in its ring. */
export function isSigned(
  keyring: Keyring,
  grant: DownloadGrant & { readonly keyId: string; readonly signature: string },
  file: Pick<File, 'storageKey'>,
): boolean {
  const key = keyring.deriveFrom(grant.keyId, label);
  // As text: several texts in base64url can stand for the same bytes.
  return (
    key !== null && sameBytes(Buffer.from(mac(key, grant, file).toString('base64url')), Buffer.from(grant.signature))
  );
}

function mac(key: Buffer, grant: DownloadGrant, { storageKey }: Pick<File, 'storageKey'>): Buffer {
  const { fileId, thumbnailEdge, disposition, expiresAt, sessionId, apiKeyId } = grant;
  return macOf(key, JSON.stringify([fileId, storageKey, thumbnailEdge, disposition, expiresAt, sessionId, apiKeyId]));
}
