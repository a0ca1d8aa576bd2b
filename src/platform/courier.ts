import { setTimeout as delay } from 'node:timers/promises';

/** What one process is sending to webhook receivers. Which deliveries are whose is in the database; this is how it stops. */
export interface Courier {
  readonly underWay: Set<Promise<void>>;
  /** Aborted when what is under way has had its time. */
  readonly haste: AbortController;
  isClosed: boolean;
  /** Whether somebody looks for due deliveries now, or has been asked to look again. */
  look: 'none' | 'now' | 'again';
}

export function createCourier(): Courier {
  return { underWay: new Set(), haste: new AbortController(), isClosed: false, look: 'none' };
}

/** Starts nothing more, waits for what is under way, and breaks it off after `patienceMs`. */
export async function closeCourier(courier: Courier, patienceMs: number): Promise<void> {
  courier.isClosed = true;
  await Promise.race([Promise.allSettled(courier.underWay), delay(patienceMs, undefined, { ref: false })]);
  courier.haste.abort();
  await Promise.allSettled(courier.underWay);
}
