import { hkdfSync, randomInt } from 'node:crypto';
import { macOf } from '../../platform/tokens.ts';

const codesCount = 10;
const symbolsCount = 16;
/** Crockford's base32: no I, L, O and U. */
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** Ten codes of 80 random bits, in groups of four for people. */
export function newBackupCodes(): string[] {
  return Array.from({ length: codesCount }, () => {
    const symbols = Array.from({ length: symbolsCount }, () => alphabet[randomInt(alphabet.length)]).join('');
    return symbols.replace(/(.{4})(?=.)/g, '$1-');
  });
}

/** The sixteen symbols of a code as typed: case, spaces and hyphens do not matter, nor do O for 0 and I or L for 1; null for none. */
export function readBackupCode(text: string): string | null {
  const symbols = text.toUpperCase().replace(/[\s-]/g, '').replaceAll('O', '0').replace(/[IL]/g, '1');
  return symbols.length === symbolsCount && [...symbols].every((symbol) => alphabet.includes(symbol)) ? symbols : null;
}

/**
 * What is kept of a code. The key comes from the seed of the person's authenticator, which is sealed: the database alone
 * gives nobody a way to try codes, and a change of the key ring leaves them good.
 */
export function backupCodeDigest(input: { seed: string; userId: string }, symbols: string): Buffer<ArrayBuffer> {
  const key = Buffer.from(hkdfSync('sha256', input.seed, input.userId, 'gatehouse/backup-code', 32));
  return macOf(key, symbols);
}
