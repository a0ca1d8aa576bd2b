import type { Ctx } from '../../context.ts';

/** Passwords and second factors are counted apart, so that guessing one never shuts the other. */
export type AttemptPool = 'password' | 'mfa';

interface Policy {
  /** Failures that are free. */
  readonly failuresFree: number;
  /** A quiet spell of this length forgets them. */
  readonly windowSeconds: number;
  readonly lockSecondsFirst: number;
  readonly lockSecondsMax: number;
}

const policies: Record<AttemptPool, Policy> = {
  password: { failuresFree: 10, windowSeconds: 900, lockSecondsFirst: 30, lockSecondsMax: 900 },
  mfa: { failuresFree: 10, windowSeconds: 900, lockSecondsFirst: 60, lockSecondsMax: 3600 },
};

/**
 * Counts a try before it is checked, so that tries at the same moment cannot share one (D8). The count lives in
 * PostgreSQL in a statement of its own, outside any transaction that may roll back.
 * @returns false while the subject is locked: then do not check at all, and answer as for a wrong one
 */
export async function reserveAttempt(ctx: Ctx, { pool, subject }: { pool: AttemptPool; subject: string }): Promise<boolean> {
  const { failuresFree, windowSeconds, lockSecondsFirst, lockSecondsMax } = policies[pool];
  const now = ctx.now();
  const [row] = await ctx.platform.db.$queryRaw<{ isLocked: boolean }[]>`
    INSERT INTO attempt_counters AS c (key, failures, last_failure) VALUES (${`${pool}:${subject}`}, 1, ${now})
    ON CONFLICT (key) DO UPDATE SET
      failures = CASE WHEN c.locked_until > ${now} THEN c.failures
                      WHEN c.last_failure < ${now}::timestamptz - make_interval(secs => ${windowSeconds}) THEN 1
                      ELSE c.failures + 1 END,
      locked_until = CASE WHEN c.locked_until > ${now} THEN c.locked_until
                          WHEN c.last_failure < ${now}::timestamptz - make_interval(secs => ${windowSeconds}) THEN NULL
                          WHEN c.failures + 1 > ${failuresFree}
                          THEN ${now}::timestamptz + make_interval(secs => least(${lockSecondsMax}, ${lockSecondsFirst} * power(2, least(c.failures - ${failuresFree}, 16))))
                          ELSE NULL END,
      last_failure = CASE WHEN c.locked_until > ${now} THEN c.last_failure ELSE ${now} END
    RETURNING coalesce(locked_until > ${now}, false) AS "isLocked"`;
  return row?.isLocked === false;
}

/** Forgets the failures of a subject that has proved itself. */
export async function clearAttempts(ctx: Ctx, { pool, subject }: { pool: AttemptPool; subject: string }): Promise<void> {
  await ctx.platform.db.$executeRaw`DELETE FROM attempt_counters WHERE key = ${`${pool}:${subject}`}`;
}
