import { Gauge } from 'prom-client';
import { type Ctx, systemCtx } from '../context.ts';
import type { Platform } from '../platform/platform.ts';
import { jobNames } from './catalog.ts';

/** How one queue stands, over all processes. */
export interface QueueMetrics {
  readonly queue: string;
  /** Jobs that are due and wait for a worker. */
  readonly waiting: number;
  /** Jobs that are to run later; those that wait for their next attempt are among them. */
  readonly delayed: number;
  /** Jobs that have failed at least once and will be tried again. */
  readonly retrying: number;
  /** Jobs that run now. */
  readonly running: number;
  /** For how long the oldest job that is due has been so; 0 when none is. */
  readonly oldestWaitingSeconds: number;
  /** Jobs that were given up and wait for a superuser. */
  readonly openDeadLetters: number;
}

/** One row for each queue of the catalog, empty ones too. Two counts in the database: ask now and then, not at each request. */
export async function queueMetrics(ctx: Ctx): Promise<QueueMetrics[]> {
  const depths = await depthsOf(ctx);
  const dead = await ctx.db.deadLetter.groupBy({ by: ['queue'], where: { state: 'OPEN' }, _count: true });
  return jobNames.map((queue) => ({
    ...(depths.find((depth) => depth.queue === queue) ?? { queue, ...empty }),
    openDeadLetters: dead.find((count) => count.queue === queue)?._count ?? 0,
  }));
}

const empty = { waiting: 0, delayed: 0, retrying: 0, running: 0, oldestWaitingSeconds: 0 };

/** Both ends of a wait are read from the database's clock, by which jobs are written. */
function depthsOf(ctx: Ctx): Promise<Omit<QueueMetrics, 'openDeadLetters'>[]> {
  return ctx.db.$queryRaw`
    SELECT name AS queue,
      count(*) FILTER (WHERE state < 'active' AND start_after <= pgboss.job_now())::int AS waiting,
      count(*) FILTER (WHERE state < 'active' AND start_after > pgboss.job_now())::int AS delayed,
      count(*) FILTER (WHERE state = 'retry')::int AS retrying,
      count(*) FILTER (WHERE state = 'active')::int AS running,
      coalesce(extract(epoch FROM pgboss.job_now()
        - min(start_after) FILTER (WHERE state < 'active' AND start_after <= pgboss.job_now())), 0)::float8
        AS "oldestWaitingSeconds"
    FROM pgboss.job WHERE state <= 'active' GROUP BY name`;
}

const states = ['waiting', 'delayed', 'retrying', 'running'] as const;

/** Gauges of all queues, and what sets them. Every process tells the same: take the maximum, not the sum. */
export function queueGauges(platform: Platform): () => Promise<void> {
  const registers = [platform.metrics.registry];
  const jobs = new Gauge({
    name: 'gatehouse_jobs',
    help: 'Jobs by queue and state.',
    labelNames: ['queue', 'state'],
    registers,
  });
  const oldest = new Gauge({
    name: 'gatehouse_job_oldest_waiting_seconds',
    help: 'For how long the oldest job that is due has waited, by queue.',
    labelNames: ['queue'],
    registers,
  });
  const dead = new Gauge({
    name: 'gatehouse_dead_letters_open',
    help: 'Jobs that were given up and wait for a superuser, by queue.',
    labelNames: ['queue'],
    registers,
  });
  return async () => {
    for (const { queue, oldestWaitingSeconds, openDeadLetters, ...depths } of await queueMetrics(systemCtx(platform))) {
      for (const state of states) jobs.set({ queue, state }, depths[state]);
      oldest.set({ queue }, oldestWaitingSeconds);
      dead.set({ queue }, openDeadLetters);
    }
  };
}
