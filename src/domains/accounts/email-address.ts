import { z } from 'zod';
import { parseInput } from '../../errors.ts';

/**
 * The one form in which addresses are kept and compared: NFKC, trimmed, lower case, and only then checked, so that
 * nothing changes its meaning after the check (F24).
 */
export const EmailAddress = z
  .string()
  .max(1000)
  .transform((address) => address.normalize('NFKC').trim().toLowerCase())
  .pipe(z.email('This is not an e-mail address.').max(254, 'This address is too long.'));

/** The address of `input` in canonical form. @throws ValidationFailed */
export function parseEmail(input: { email: string }): string {
  return parseInput(z.object({ email: EmailAddress }), input).email;
}
