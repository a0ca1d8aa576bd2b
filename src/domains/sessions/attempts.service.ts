import type { Ctx } from '../../context.ts';
import { macOf } from '../../platform/tokens.ts';

/** Passwords and second factors are counted apart, so that guessing one never shuts the other. */
export type AttemptPool = 'password' | 'mfa';

export interface Attempts {
  readonly pool: AttemptPool;
  /** Whose: a user id, or `subjectOfAddress`. */
  readonly subject: string;
}

interface Policy {
  /** Failures that lock nothing. */
  readonly failuresFree: number;
  /** A quiet spell of this length, counted from the last failure or the end of its lock, forgets them. */
  readonly windowSeconds: number;
  /** Doubled by every further failure. */
  readonly lockSecondsFirst: number;
  readonly lockSecondsMax: number;
}

const policies: Record<AttemptPool, Policy> = {
  password: { failuresFree: 10, windowSeconds: 900, lockSecondsFirst: 30, lockSecondsMax: 900 },
  mfa: { failuresFree: 10, windowSeconds: 900, lockSecondsFirst: 60, lockSecondsMax: 3600 },
};

/**
 * Counts a try before it is checked, so that tries at the same moment cannot share one (D8). The count lives in
 * PostgreSQL in a statement of its own, outside any transaction that may roll back. A try after the free ones locks the
 * subject for those that follow, and is checked itself: no lock lasts for whoever waits for its end.
 * @returns false while the subject is locked: then answer as for a wrong one
 */
export async function reserveAttempt(ctx: Ctx, { pool, subject }: Attempts): Promise<boolean> {
  const { failuresFree, windowSeconds, lockSecondsFirst, lockSecondsMax } = policies[pool];
  const now = ctx.now();
  // A locked row is not updated, and then counts as no row.
  const counted = await ctx.platform.db.$executeRaw`
    INSERT INTO attempt_counters AS c (key, failures, last_failure) VALUES (${`${pool}:${subject}`}, 1, ${now})
    ON CONFLICT (key) DO UPDATE SET (failures, locked_until, last_failure) = (
      SELECT n, CASE WHEN n > ${failuresFree} THEN ${now}::timestamptz + make_interval(secs =>
               least(${lockSecondsMax}, ${lockSecondsFirst} * power(2, least(n - ${failuresFree} - 1, 16)))) END, ${now}::timestamptz
      FROM (SELECT CASE WHEN greatest(c.last_failure, c.locked_until) < ${now}::timestamptz - make_interval(secs => ${windowSeconds})
                   THEN 1 ELSE c.failures + 1 END AS n) AS next)
    WHERE c.locked_until IS NULL OR c.locked_until <= ${now}`;
  return counted === 1;
}

/** Forgets the failures of a subject that has proved itself. */
export async function clearAttempts(ctx: Ctx, { pool, subject }: Attempts): Promise<void> {
  await ctx.platform.db.$executeRaw`DELETE FROM attempt_counters WHERE key = ${`${pool}:${subject}`}`;
}

/** By this an address is counted, whether somebody has it or not; the table does not say which one it is. */
export function subjectOfAddress({ platform }: Ctx, email: string): string {
  return macOf(platform.keyring.derive('attempt-subject'), email).toString('base64url');
}
