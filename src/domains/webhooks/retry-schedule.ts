import { randomInt } from 'node:crypto';

/** The waits of Standard Webhooks 1.0.0: nine retries over three days. */
const standardSeconds = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
const jitterPercent = 20;
const retryAfterMaxSeconds = 86_400;

/**
 * How long to wait after the failure that follows `retriesUsed` retries: the schedule's wait give or take a fifth, or longer
 * if the receiver said so, a day at most. Null when the schedule is used up.
 */
export function retryWaitMs(input: {
  retriesUsed: number;
  schedule: readonly number[] | null;
  retryAfter: string | null;
  now: Date;
}): number | null {
  const seconds = (input.schedule ?? standardSeconds)[input.retriesUsed];
  if (seconds === undefined) return null;
  const jitter = randomInt(100 - jitterPercent, 100 + jitterPercent + 1) / 100;
  return Math.round(1000 * Math.max(seconds * jitter, askedSeconds(input)));
}

/** Seconds or a date (RFC 9110); nonsense asks for nothing. */
function askedSeconds({ retryAfter, now }: { retryAfter: string | null; now: Date }): number {
  if (retryAfter === null) return 0;
  const asked = /^\d+$/.test(retryAfter) ? Number(retryAfter) : (Date.parse(retryAfter) - now.getTime()) / 1000;
  return Number.isNaN(asked) ? 0 : Math.min(Math.max(asked, 0), retryAfterMaxSeconds);
}
