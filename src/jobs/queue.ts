import { fromPrisma, type OpenTelemetryOptions, PgBoss, type SendOptions } from 'pg-boss';
import type { Config } from '../config.ts';
import type { Ctx } from '../context.ts';
import type { Logger } from '../platform/log.ts';
import type { Telemetry } from '../platform/telemetry.ts';
import { catalog, type JobDefinition, type JobName, type JobPayload, type JobPolicy, parsePayload } from './catalog.ts';

/** The program is gone ten seconds after the signal, and requests are let finish before the jobs. */
const stopTimeoutMs = 4_000;
/** The shortest that pg-boss allows: a job whose worker was killed is noticed after this and a look of the monitor. */
const heartbeatSeconds = 10;
const monitorIntervalSeconds = 5;
const errorQuietMs = 10_000;
/** A worker ends an attempt in time by itself and can say so; what it does not end, the queue does, a little later. */
const graceSeconds = 5;
/** pg-boss would drop a job that nobody has started for two weeks. */
const retentionSeconds = 10 * 365 * 86_400;

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
  // A job of now is due to every worker, whatever its clock; one of later by the clock of those who run with ours.
  const aheadSeconds = delaySeconds > 0 ? Math.max(0, ctx.platform.config.clockOffsetSeconds) : 0;
  await send(ctx, job, { startAfter: delaySeconds + aheadSeconds });
}

async function send<Name extends JobName>(
  ctx: Ctx,
  { name, payload }: { readonly name: Name; readonly payload: JobPayload<Name> },
  options: SendOptions,
): Promise<void> {
  const { jobQueue, config } = ctx.platform;
  const data = parsePayload(name, payload);
  const policy = sendOptions(catalog[name].policy, config.jobs);
  await jobQueue.send(name, data, { ...policy, ...groupOf(name, data), ...options, db: fromPrisma(ctx.db) });
}

/**
 * Takes a job that this worker runs out of the queue, in the caller's transaction.
 * @returns false when the worker has lost it: somebody else runs it, or has run it
 */
export async function takeOut(ctx: Ctx, job: { id: string; name: string; retryCount: number }): Promise<boolean> {
  const held = await ctx.db.$queryRaw<unknown[]>`
    SELECT 1 FROM pgboss.job
    WHERE name = ${job.name} AND id = ${job.id}::uuid AND state = 'active' AND retry_count = ${job.retryCount} FOR UPDATE`;
  if (held.length === 0) return false;
  await ctx.platform.jobQueue.deleteJob(job.name, job.id, { db: fromPrisma(ctx.db) });
  return true;
}

/** A job that the queue has given up, as its row tells. */
export interface FailedJob {
  readonly id: string;
  readonly name: string;
  readonly data: unknown;
  readonly output: unknown;
  readonly attempts: number;
}

/** Takes jobs that the queue has given up by itself out of it, in the caller's transaction: their workers were lost. */
export async function takeOutFailed(ctx: Ctx, limit: number): Promise<FailedJob[]> {
  const failed = await ctx.db.$queryRaw<FailedJob[]>`
    SELECT id::text, name, data, output, retry_count + 1 AS attempts FROM pgboss.job
    WHERE state = 'failed' ORDER BY completed_on LIMIT ${limit} FOR UPDATE SKIP LOCKED`;
  for (const { id, name } of failed) await ctx.platform.jobQueue.deleteJob(name, id, { db: fromPrisma(ctx.db) });
  return failed;
}

/** Jobs of one key share its concurrency. */
function groupOf(name: JobName, data: Readonly<Record<string, unknown>>): SendOptions {
  const { fairBy }: JobDefinition = catalog[name];
  const key = fairBy && data[fairBy];
  return typeof key === 'string' ? { group: { id: key } } : {};
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
    expireInSeconds: policy.expireInSeconds + graceSeconds,
    heartbeatSeconds,
    retentionSeconds,
    deleteAfterSeconds: 86_400,
  };
}

export interface JobQueueOptions {
  /** `sends`: for a process that runs no jobs, it looks after nothing. `works`: also wakes workers and finds lost jobs. */
  readonly role: 'sends' | 'works';
  /** How far the program's clock is ahead of the real one (`TEST_CLOCK_OFFSET_SECONDS`). */
  readonly clockOffsetSeconds?: number;
  readonly telemetry?: Telemetry | null;
}

/** The queue of one process over a small pool of its own; its troubles go to the log. Start it before use. */
export function createJobQueue(
  databaseUrl: string,
  log: Logger,
  { role, clockOffsetSeconds = 0, telemetry = null }: JobQueueOptions,
): PgBoss {
  const works = role === 'works';
  const jobQueue = new PgBoss({
    connectionString: databaseUrl,
    ...(clockOffsetSeconds > 0 && { options: `-c gatehouse.clock_offset=${clockOffsetSeconds}` }),
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
    openTelemetry: traceOptions(telemetry),
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

/** A job goes on in the trace of what has enqueued it: the row keeps the ids of the trace and nothing else. */
function traceOptions(telemetry: Telemetry | null): OpenTelemetryOptions {
  if (!telemetry) return { enabled: false };
  const { tracerProvider, propagator } = telemetry;
  return { propagateContext: true, propagator, tracerProvider };
}

/** @throws Error when the database does not answer or holds no queue yet (see `installJobQueue`). */
export async function startJobQueue(jobQueue: PgBoss, { clockOffsetSeconds = 0 } = {}): Promise<void> {
  await jobQueue.start();
  if (clockOffsetSeconds > 0) await jobQueue.getDb().executeSql(shiftedClock);
}

/** What is due is asked of the database: with this, by the program's clock. Sessions without the setting see the real one. */
const shiftedClock = `
  CREATE OR REPLACE FUNCTION pgboss.job_now() RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT pg_catalog.now()
      + make_interval(secs => coalesce(nullif(current_setting('gatehouse.clock_offset', true), ''), '0')::float8)
  $$`;

/**
 * Takes no new job, waits for the running ones, aborts what is left after `timeoutMs` and gives it back for another
 * attempt. May be called twice.
 */
export async function stopJobQueue(jobQueue: PgBoss, timeoutMs: number = stopTimeoutMs): Promise<void> {
  await jobQueue.stop({ graceful: true, timeout: timeoutMs });
}
