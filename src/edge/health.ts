import { setTimeout as delay } from 'node:timers/promises';
import type { Platform } from '../platform/platform.ts';

export type Readiness =
  | { readonly status: 'ready'; readonly database: 'up' }
  | { readonly status: 'unavailable'; readonly database: 'down' }
  | { readonly status: 'draining' };

const databaseTimeoutMs = 4_000;

/** Tells whether this process can serve, and which part is down. However many ask, the database is asked once at a time. */
export function readinessReader(platform: Platform, isDraining: () => boolean): () => Promise<Readiness> {
  let running: Promise<Readiness> | null = null;
  return async () => {
    if (isDraining()) return { status: 'draining' };
    running ??= readDatabase(platform).finally(() => {
      running = null;
    });
    return running;
  };
}

async function readDatabase({ db, log }: Platform): Promise<Readiness> {
  const timer = new AbortController();
  const timeout = delay(databaseTimeoutMs, null, { ref: false, signal: timer.signal }).then(() => {
    throw new Error(`no answer within ${databaseTimeoutMs} ms`);
  });
  try {
    await Promise.race([db.$queryRaw`SELECT 1`, timeout]);
    return { status: 'ready', database: 'up' };
  } catch (error) {
    log.warn({ err: error }, 'the database does not answer');
    return { status: 'unavailable', database: 'down' };
  } finally {
    timer.abort();
  }
}
