import { chainOf } from './outage.ts';

/** PostgreSQL: a text, or one inside of JSON, holds a character that the database does not know, NUL first of all. */
const codes = ['22021', '22P05'];

/** Whether an error says that a text of the client cannot be kept, nor be looked for. */
export function isUnstorableText(error: unknown): boolean {
  return chainOf(error).some(({ originalCode }) => codes.includes(String(originalCode)));
}
