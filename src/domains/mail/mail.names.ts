/** The first line of a mail; of no name, no more than a greeting. */
export function hello(name: string): string {
  return `Hello ${spoken(name)}`.trim().concat(',');
}

/**
 * A name that a stranger chose, fit for a mail that we send in our name: one line, of bounded length, and with nothing
 * that a mail program would make into a link.
 */
export function spoken(name: string, lengthMax = 80): string {
  const line = name.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, ' ').trim();
  const short = line.length > lengthMax ? `${line.slice(0, lengthMax - 1)}…` : line;
  return short.replace(/([.:/@])(?=\S)/g, '$1\u2060');
}
