import type { Keyring } from '../../platform/keyring.ts';
import { macOf, sameBytes } from '../../platform/tokens.ts';

const label = 'upload-token';

/** What opens one upload, and it alone. It is made of the upload's id, so no row holds it and it can be told again. */
export function uploadToken(keyring: Keyring, uploadId: string): string {
  return macOf(keyring.derive(label), uploadId).toString('base64url');
}

/** Whether this program, with any key that it still has, made the token for this upload. */
export function opensUpload(keyring: Keyring, uploadId: string, token: string): boolean {
  const given = Buffer.from(token);
  return keyring
    .deriveAll(label)
    .some((key) => sameBytes(Buffer.from(macOf(key, uploadId).toString('base64url')), given));
}
