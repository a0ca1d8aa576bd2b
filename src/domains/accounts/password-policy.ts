import { z } from 'zod';

/** NIST SP 800-63B-4 for a password that stands alone: 15 characters, no rules about their kinds. */
const lengthMin = 15;
const lengthMax = 256;

/** Length in code points after NFKC, as the hash sees it. */
export const Password = z
  .string()
  .refine((password) => lengthOf(password) >= lengthMin, `Use at least ${lengthMin} characters; a few words do well.`)
  .refine((password) => lengthOf(password) <= lengthMax, `Use at most ${lengthMax} characters.`)
  .refine((password) => new Set(password).size >= 5, 'Use more than a few different characters.');

/** Whether the password is little more than the person's own name or address. */
export function isGuessableFrom(password: string, ...known: string[]): boolean {
  const folded = password.normalize('NFKC').toLowerCase();
  return known
    .map((word) => word.toLowerCase())
    .filter((word) => word.length >= 4)
    .some((word) => folded.replaceAll(word, '').length < 8);
}

function lengthOf(password: string): number {
  return [...password.normalize('NFKC')].length;
}
