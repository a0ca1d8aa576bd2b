import type { ServerResponse } from 'node:http';
import type { CallsLeft } from '../platform/call-leases.ts';

/**
 * Says what is left of the API calls, as structured fields after the IETF's draft of RateLimit header fields: `q` the quota,
 * `r` what remains of it, `t` the seconds until it starts again.
 */
export function setRateLimit(
  response: ServerResponse,
  { limit, remaining, resetsAt }: Pick<CallsLeft, 'limit' | 'remaining' | 'resetsAt'>,
  now: Date,
): void {
  const seconds = Math.max(0, Math.ceil((resetsAt.getTime() - now.getTime()) / 1000));
  response.setHeader('ratelimit-policy', `"calls";q=${limit}`);
  response.setHeader('ratelimit', `"calls";r=${remaining};t=${seconds}`);
}
