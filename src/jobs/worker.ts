import type { JobWithMetadata, WorkOptions } from 'pg-boss';
import { type Ctx, systemCtx } from '../context.ts';
import { closeCourier } from '../platform/courier.ts';
import { transact } from '../platform/db.ts';
import type { Platform } from '../platform/platform.ts';
import { catalog, type JobHandlers, type JobName, type JobPolicy, jobNames, parsePayload } from './catalog.ts';
import {
  describeFailure,
  type FailedAttempt,
  failedAttempts,
  PermanentFailure,
  storable,
  wordOfQueue,
} from './failure.ts';
import { stopJobQueue, takeOut } from './queue.ts';
import { jobHandlers, keepGivenUp } from './registry.ts';

/** Runs the jobs of the platform's queue, which must be started and in the role `works`, until it is stopped. */
export async function startWorker(
  platform: Platform,
  handlers: JobHandlers<JobName> = jobHandlers,
): Promise<{ stop(): Promise<void> }> {
  for (const name of jobNames) {
    for (let slot = 0; slot < catalog[name].policy.concurrency; slot += 1) {
      await openSlot(platform, { name, isFirst: slot === 0 }, handlers);
    }
  }
  return { stop: () => stopJobQueue(platform.jobQueue) };
}

const roundEveryMs = 1_000;
const courierPatienceMs = 2_000;

/**
 * Looks every second for webhooks that are due: retries, and what a killed process held. The job that a new event writes
 * brings the same look at once.
 */
export function startRounds(platform: Platform): { stop(): Promise<void> } {
  const { courier, log } = platform;
  const never = new AbortController().signal;
  const look = () =>
    jobHandlers['webhook.deliver'](systemCtx(platform), {}, never).catch((error: unknown) =>
      log.warn({ err: error }, 'no look for webhooks that are due'),
    );
  const timer = setInterval(() => void look(), roundEveryMs).unref();
  return {
    stop() {
      clearInterval(timer);
      return closeCourier(courier, courierPatienceMs);
    },
  };
}

/**
 * Runs one job at a time. After each, pg-boss would sleep out the rest of the poll interval, so the slot wakes itself.
 * NOTIFY brings new jobs at once but due retries are found by polling alone: by the first slot every second, and by the
 * others, which would make an idle program busy, now and then.
 */
async function openSlot<Name extends JobName>(
  platform: Platform,
  { name, isFirst }: { name: Name; isFirst: boolean },
  handlers: JobHandlers<JobName>,
) {
  const { jobQueue } = platform;
  const policy: JobPolicy = catalog[name].policy;
  const options = {
    includeMetadata: true,
    pollingIntervalSeconds: 1,
    notifyPollingIntervalSeconds: isFirst ? 1 : 5,
    ...(policy.concurrencyPerKey && { localGroupConcurrency: policy.concurrencyPerKey }),
  } satisfies WorkOptions;
  const slotId = await jobQueue.work(name, options, async ([job]: JobWithMetadata<unknown>[]) => {
    try {
      if (!job) return;
      const timeUp = AbortSignal.timeout(policy.expireInSeconds * 1000);
      const signal = AbortSignal.any([job.signal, timeUp]);
      await logged(platform, { job, timeUp }, (ctx) => handlers[name](ctx, parsePayload(name, job.data), signal));
    } finally {
      jobQueue.notifyWorker(slotId);
    }
  });
}

interface Run {
  readonly job: JobWithMetadata<unknown>;
  readonly timeUp: AbortSignal;
}

/** Runs one attempt and writes its one log line. The payload is never in it. */
async function logged(platform: Platform, run: Run, attempt: (ctx: Ctx) => Promise<void>) {
  const { job } = run;
  const log = platform.log.child({ job: job.name, jobId: job.id, attempt: job.retryCount + 1 });
  const ctx = { ...systemCtx(platform, log), job: { id: job.id } };
  const startedAt = performance.now();
  const durationMs = () => Math.round(performance.now() - startedAt);
  try {
    await attempt(ctx);
    log.info({ outcome: 'done', durationMs: durationMs() }, 'job');
  } catch (error) {
    const outcome = outcomeOf(job, error);
    log[outcome === 'failed' ? 'error' : 'warn']({ outcome, durationMs: durationMs(), err: error }, 'job');
    const attempts = attemptsSoFar(run, error, platform.now());
    if (outcome !== 'failed' || !(await giveUp(ctx, job, attempts))) throw storable(attempts);
  }
}

function outcomeOf(job: JobWithMetadata<unknown>, error: unknown): 'aborted' | 'retried' | 'failed' {
  if (job.signal.aborted) return 'aborted';
  return job.retryCount < job.retryLimit && !(error instanceof PermanentFailure) ? 'retried' : 'failed';
}

/** The row tells of the attempts before this one, of the last one alone when a worker was lost with it. */
function attemptsSoFar({ job, timeUp }: Run, error: unknown, now: Date): FailedAttempt[] {
  const failedAt = now.toISOString();
  const lost = wordOfQueue(job.output);
  const before = lost === null ? failedAttempts(job.output) : [{ attempt: job.retryCount, failedAt, error: lost }];
  const isOutOfTime = timeUp.aborted && !job.signal.aborted;
  const told = isOutOfTime ? new Error('The attempt did not end in its time.', { cause: error }) : error;
  return [...before, { attempt: job.retryCount + 1, failedAt, error: describeFailure(told) }];
}

/**
 * Moves a job out of the queue to where given-up jobs are kept, in one transaction.
 * @returns false when that was not possible; then the queue gives it up, and it is collected from there
 */
async function giveUp(ctx: Ctx, job: JobWithMetadata<unknown>, attempts: FailedAttempt[]): Promise<boolean> {
  const { id, name, data, retryCount } = job;
  try {
    return await transact(ctx, async (ctx) => {
      if (!(await takeOut(ctx, { id, name, retryCount }))) return false;
      await keepGivenUp(ctx, { id, queue: name, payload: data, attempts: retryCount + 1, history: attempts });
      return true;
    });
  } catch (error) {
    ctx.log.error({ err: error }, 'a job that failed for good was left to be collected');
    return false;
  }
}
