import { setTimeout as delay } from 'node:timers/promises';

const flushTimeoutMs = 1_000;

/** Waits for a last sending, for a second at most: a collector that is away delays nobody's end, and fails nothing. */
export async function inTimeForTheEnd(shutdown: Promise<void>): Promise<void> {
  await Promise.race([shutdown.catch(() => undefined), delay(flushTimeoutMs, undefined, { ref: false })]);
}
