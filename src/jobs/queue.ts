import { fromPrisma, PgBoss, type SendOptions } from 'pg-boss';
import type { Config } from '../config.ts';
import type { Ctx } from '../context.ts';
import type { Logger } from '../platform/log.ts';
import { catalog, type JobName, type JobPayload, type JobPolicy, parsePayload } from './catalog.ts';

/** The program is gone ten seconds after the signal, and requests are let finish before the jobs. */
const stopTimeoutMs = 4_000;
/** The shortest that pg-boss allows: a job whose worker was killed is noticed after this and a look of the monitor. */
const heartbeatSeconds = 10;
const monitorIntervalSeconds = 5;
const errorQuietMs = 10_000;

/**
 * Writes a job through the caller's connection: inside `transact` it exists if, and only if, the transaction commits.
 * @throws ZodError when the payload is not what the catalog says.
 */
export async function enqueue<Name extends JobName>(ctx: Ctx, name: Name, payload: JobPayload<Name>): Promise<void> {
  await enqueueLater(ctx, { name, payload }, 0);
}

/** As `enqueue`, but nothing is written while there is a job of this name and id already, waiting, running or lately done. */
export async function enqueueOnce<Name extends JobName>(
  ctx: Ctx,
  job: { readonly name: Name; readonly payload: JobPayload<Name> },
  id: string,
): Promise<void> {
  await send(ctx, job, { id });
}

/** As `enqueue`, but the job does not start before `delaySeconds` have gone by. */
export async function enqueueLater<Name extends JobName>(
  ctx: Ctx,
  job: { readonly name: Name; readonly payload: JobPayload<Name> },
  delaySeconds: number,
): Promise<void> {
  await send(ctx, job, { startAfter: delaySeconds });
}

async function send<Name extends JobName>(
  ctx: Ctx,
  { name, payload }: { readonly name: Name; readonly payload: JobPayload<Name> },
  options: SendOptions,
): Promise<void> {
  const { jobQueue, config } = ctx.platform;
  const policy = sendOptions(catalog[name].policy, config.jobs);
  await jobQueue.send(name, parsePayload(name, payload), { ...policy, ...options, db: fromPrisma(ctx.db) });
}

/** The policy travels with each job, so that a changed catalog or an operator's override needs no migration. */
function sendOptions(policy: JobPolicy, override: Config['jobs']): SendOptions {
  const retryDelay: SendOptions =
    override.retryDelaySeconds === null
      ? { retryBackoff: true, retryDelay: policy.retryDelaySeconds, retryDelayMax: policy.retryDelayMaxSeconds }
      : { retryBackoff: false, retryDelay: override.retryDelaySeconds };
  return {
    ...retryDelay,
    retryLimit: override.retryLimit ?? policy.retryLimit,
    expireInSeconds: policy.expireInSeconds,
    heartbeatSeconds,
    deleteAfterSeconds: 86_400,
  };
}

/** `sends`: for a process that runs no jobs, it looks after nothing. `works`: also wakes workers and finds lost jobs. */
export type JobQueueRole = 'sends' | 'works';

/** The queue of one process over a small pool of its own; its troubles go to the log. Start it before use. */
export function createJobQueue(databaseUrl: string, log: Logger, role: JobQueueRole): PgBoss {
  const works = role === 'works';
  const jobQueue = new PgBoss({
    connectionString: databaseUrl,
    max: works ? 5 : 1,
    connectionTimeoutMillis: 5_000,
    useListenNotify: works,
    supervise: works,
    superviseIntervalSeconds: monitorIntervalSeconds,
    monitorIntervalSeconds,
    maintenanceIntervalSeconds: 600,
    migrate: works,
    schedule: false,
    registerInstance: works,
  });
  let quietUntilMs = 0;
  jobQueue.on('error', (error) => {
    // In an outage every look of every worker fails: one line a while says as much.
    if (performance.now() < quietUntilMs) return;
    quietUntilMs = performance.now() + errorQuietMs;
    log.error({ err: error }, 'the job queue has a problem');
  });
  jobQueue.on('warning', ({ message }) => log.warn({ warning: message }, 'the job queue warns'));
  return jobQueue;
}

/** @throws Error when the database does not answer or holds no queue yet (see `installJobQueue`). */
export async function startJobQueue(jobQueue: PgBoss): Promise<void> {
  await jobQueue.start();
}

/**
 * Takes no new job, waits for the running ones, aborts what is left after `timeoutMs` and gives it back for another
 * attempt. May be called twice.
 */
export async function stopJobQueue(jobQueue: PgBoss, timeoutMs: number = stopTimeoutMs): Promise<void> {
  await jobQueue.stop({ graceful: true, timeout: timeoutMs });
}
