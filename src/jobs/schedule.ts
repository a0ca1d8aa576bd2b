import { createHash } from 'node:crypto';
import { systemCtx } from '../context.ts';
import type { Platform } from '../platform/platform.ts';
import { enqueueOnce } from './queue.ts';

/** The jobs that come round by themselves. */
const schedule = [
  { name: 'audit.writeCheckpoints', everyMinutes: 60 },
  { name: 'account.removeExpired', everyMinutes: 60 },
  { name: 'apiKey.tellOfEnds', everyMinutes: 60 },
  { name: 'deadLetter.collect', everyMinutes: 1 },
  { name: 'auditExport.removeExpired', everyMinutes: 60 },
  { name: 'webhook.lookAfter', everyMinutes: 1 },
  { name: 'billing.reconcile', everyMinutes: 1_440 },
  { name: 'file.sweep', everyMinutes: 0.5 },
  { name: 'file.purgeTrash', everyMinutes: 60 },
  { name: 'file.removeOrphans', everyMinutes: 60 },
  { name: 'file.reconcileStorage', everyMinutes: 24 * 60 },
] as const;

const lookEveryMs = 10_000;

/**
 * Writes each job of the schedule once in every period of the program's clock, counted from 1970, however many workers
 * there are. What a stopped program has missed is not made up for.
 */
export function startSchedule(platform: Platform): { stop(): Promise<void> } {
  const written = new Map<string, string>();
  const look = async () => {
    for (const { name, everyMinutes } of schedule) {
      const id = idOf(name, Math.floor(platform.now().getTime() / (everyMinutes * 60_000)));
      if (written.get(name) !== id) await enqueueOnce(systemCtx(platform), { name, payload: {} }, id);
      written.set(name, id);
    }
  };
  // The next look tries again.
  const attempt = () =>
    look().catch((error: unknown) => platform.log.warn({ err: error }, 'the schedule was not kept'));
  let running = attempt();
  const timer = setInterval(() => {
    running = running.then(attempt);
  }, lookEveryMs).unref();
  return {
    stop() {
      clearInterval(timer);
      return running;
    },
  };
}

/** The same for every process, so that the database keeps one job of several. */
function idOf(name: string, period: number): string {
  const hex = createHash('sha256').update(`${name}/${period}`).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
