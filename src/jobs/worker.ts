import type { JobWithMetadata } from 'pg-boss';
import { type Ctx, systemCtx } from '../context.ts';
import type { Platform } from '../platform/platform.ts';
import { catalog, type JobHandlers, type JobName, jobNames, parsePayload } from './catalog.ts';
import { stopJobQueue } from './queue.ts';
import { jobHandlers } from './registry.ts';

/** Runs the jobs of the platform's queue, which must be started and in the role `works`, until it is stopped. */
export async function startWorker(
  platform: Platform,
  handlers: JobHandlers<JobName> = jobHandlers,
): Promise<{ stop(): Promise<void> }> {
  for (const name of jobNames) {
    for (let slot = 0; slot < catalog[name].policy.concurrency; slot += 1) await openSlot(platform, name, handlers);
  }
  return { stop: () => stopJobQueue(platform.jobQueue) };
}

/**
 * Runs one job at a time. After each, pg-boss would sleep out the rest of the poll interval, so the slot wakes itself.
 * NOTIFY brings new jobs at once but due retries are found by polling alone, hence every second.
 */
async function openSlot<Name extends JobName>(platform: Platform, name: Name, handlers: JobHandlers<JobName>) {
  const { jobQueue } = platform;
  const options = { includeMetadata: true, pollingIntervalSeconds: 1, notifyPollingIntervalSeconds: 1 } as const;
  const slotId = await jobQueue.work(name, options, async ([job]: JobWithMetadata<unknown>[]) => {
    try {
      if (job) await logged(platform, job, (ctx) => handlers[name](ctx, parsePayload(name, job.data), job.signal));
    } finally {
      jobQueue.notifyWorker(slotId);
    }
  });
}

/** Runs one attempt and writes its one log line. The payload is never in it. */
async function logged(platform: Platform, job: JobWithMetadata<unknown>, attempt: (ctx: Ctx) => Promise<void>) {
  const log = platform.log.child({ job: job.name, jobId: job.id, attempt: job.retryCount + 1 });
  const startedAt = performance.now();
  const durationMs = () => Math.round(performance.now() - startedAt);
  try {
    await attempt(systemCtx(platform, log));
    log.info({ outcome: 'done', durationMs: durationMs() }, 'job');
  } catch (error) {
    const outcome = job.signal.aborted ? 'aborted' : job.retryCount < job.retryLimit ? 'retried' : 'failed';
    log[outcome === 'failed' ? 'error' : 'warn']({ outcome, durationMs: durationMs(), err: error }, 'job');
    throw storable(error);
  }
}

/** What the job row keeps of an error: no more than its name and message, since other fields may hold anything. */
function storable(error: unknown): Error {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  const kept = new Error(message.slice(0, 500));
  kept.name = name;
  kept.stack = '';
  return kept;
}
