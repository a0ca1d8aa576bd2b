import { z } from 'zod';
import type { Ctx } from '../../context.ts';
import { ValidationFailed } from '../../errors.ts';

/** NIST SP 800-63B-4 for a password that stands alone: 15 characters, no rules about their kinds. */
const lengthMin = 15;
const lengthMax = 256;
/** What must be left of a password when everything that others know is taken out of it. */
const ownLengthMin = 8;

/** Length in code points after NFKC, as the hash sees it. */
export const Password = z
  .string()
  .refine((password) => lengthOf(password) >= lengthMin, `Use at least ${lengthMin} characters; a few words do well.`)
  .refine((password) => lengthOf(password) <= lengthMax, `Use at most ${lengthMax} characters.`)
  .refine((password) => new Set(password).size >= 5, 'Use more than a few different characters.');

/** A password that has the right form, and whom it is for. */
export interface PasswordChoice {
  /** Where in the input it stands. */
  readonly field: string;
  readonly password: string;
  /** `passwordHash`: of the password that this one replaces, null when there is none. */
  readonly person: { readonly name: string; readonly email: string; readonly passwordHash: string | null };
}

/**
 * The rules that look further than the password itself. Costs a hash where there is an old password to compare.
 * @throws ValidationFailed for one that is little more than the person's name or address, is the one in use, or is
 * known from a breach
 */
export async function refuseWeakPassword(ctx: Ctx, choice: PasswordChoice): Promise<void> {
  const problem = await problemOf(ctx, choice);
  if (problem) throw new ValidationFailed([{ path: [choice.field], message: problem }]);
}

async function problemOf({ platform }: Ctx, { password, person }: PasswordChoice): Promise<string | null> {
  const { name, email, passwordHash } = person;
  if (isGuessableFrom(password, [name, email])) return 'This is too close to your name or address.';
  if (passwordHash && (await platform.passwords.verify(passwordHash, password)))
    return 'This is your password already.';
  if (!(await platform.breachedPasswords.includes(password))) return null;
  return 'This password is known from a breach elsewhere. Choose another one.';
}

function isGuessableFrom(password: string, known: readonly string[]): boolean {
  const words = ['gatehouse', ...known.flatMap((text) => [text, ...text.split(/[^\p{L}\p{N}]+/u)])]
    .map(folded)
    .filter((word) => word.length >= 4)
    .sort((left, right) => right.length - left.length);
  return words.reduce((rest, word) => rest.replaceAll(word, ''), folded(password)).length < ownLengthMin;
}

function folded(text: string): string {
  return text.normalize('NFKC').toLowerCase();
}

function lengthOf(password: string): number {
  return [...password.normalize('NFKC')].length;
}
