import { randomInt } from 'node:crypto';
import { z } from 'zod';

const wordsMax = 32;
const suffixLength = 8;
const alphabet = '23456789abcdefghjkmnpqrstvwxyz';

/** Words that an app's own pages are likely to need. */
const reserved = new Set(
  'about account admin api app assets auth billing blog dashboard dev docs files graphql health help home invitations login logout me new null oauth organizations pricing register root settings signup static status support system undefined uploads user users webhooks www'.split(
    ' ',
  ),
);

/** A name for URLs that a person chose: 3–48 of a–z, 0–9 and single hyphens, none of the reserved words. */
export const Slug = z
  .string()
  .trim()
  .toLowerCase()
  .min(3, 'Use at least 3 characters.')
  .max(48, 'Use at most 48 characters.')
  .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'Use letters, digits, and single hyphens between them.')
  .refine((slug) => !reserved.has(slug), 'This word is reserved.');

/** Words of a name that fit a URL, and a random end: nobody waits for a free one, and names are not probed by it. */
export function slugFor(name: string): string {
  const words = name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/\p{M}/gu, '')
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, wordsMax)
    .replace(/^-+|-+$/g, '');
  const suffix = Array.from({ length: suffixLength }, () => alphabet[randomInt(alphabet.length)]).join('');
  return words ? `${words}-${suffix}` : suffix;
}
