import { createHash } from 'node:crypto';
import type { Config } from '../config.ts';
import { type Cache, cached } from './cache.ts';
import type { Logger } from './log.ts';

const timeoutMs = 1_500;
const prefixLength = 5;
/** The list grows by the month. */
const keptSeconds = 86_400;

/** Passwords that are known from breaches of other services. */
export interface BreachedPasswords {
  /** Also false when the list does not answer in time: nobody is kept out because somebody else's server is down. */
  includes(password: string): Promise<boolean>;
}

/**
 * Asks the range API of Have I Been Pwned at `config.breachedPasswordsUrl`, which learns the first five hex digits of a
 * SHA-1 and nothing more (k-anonymity); with padding not even the answer's length tells. Null: nothing is asked.
 */
export function createBreachedPasswords(
  { breachedPasswordsUrl: url }: Config,
  log: Logger,
  cache: Cache,
): BreachedPasswords {
  if (url === null) return { includes: async () => false };
  const suffixesOf = cached(cache, { name: 'breachedPasswords', seconds: keptSeconds }, async (prefix: string) =>
    suffixesIn(await rangeAt(url, prefix)),
  );
  return {
    async includes(password) {
      const hash = createHash('sha1').update(password.normalize('NFKC')).digest('hex').toUpperCase();
      try {
        return (await suffixesOf(hash.slice(0, prefixLength))).has(hash.slice(prefixLength));
      } catch (error) {
        log.warn({ err: error }, 'the list of breached passwords does not answer');
        return false;
      }
    },
  };
}

async function rangeAt(url: string, prefix: string): Promise<string> {
  const response = await fetch(`${url}/range/${prefix}`, {
    headers: { 'Add-Padding': 'true', 'User-Agent': 'Gatehouse' },
    redirect: 'error',
    signal: AbortSignal.timeout(timeoutMs),
  });
  if (response.ok) return response.text();
  await response.body?.cancel();
  throw new Error(`the list of breached passwords answered ${response.status}`);
}

/** Lines are `SUFFIX:COUNT`; a count of 0 is padding. */
function suffixesIn(range: string): Set<string> {
  const lines = range.split(/\r?\n/).filter((line) => !line.endsWith(':0'));
  return new Set(lines.map((line) => line.split(':')[0] ?? ''));
}
