import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { JobHandlers, JobName } from '../src/jobs/catalog.ts';
import { PermanentFailure } from '../src/jobs/failure.ts';
import { enqueue, enqueueLater, stopJobQueue } from '../src/jobs/queue.ts';
import { transact } from '../src/platform/db.ts';
import { cloneDatabase } from './support/database.ts';
import { type RunningJobs, startJobs } from './support/jobs.ts';

let database: Awaited<ReturnType<typeof cloneDatabase>>;
let running: RunningJobs[] = [];

beforeEach(async () => {
  database = await cloneDatabase();
});

afterEach(async () => {
  for (const jobs of running) await jobs.stop();
  running = [];
  await database.drop();
});

async function start(handlers: Partial<JobHandlers<JobName>>, environment?: Record<string, string>) {
  const jobs = await startJobs(database.url, handlers, environment);
  running.push(jobs);
  return jobs;
}

/** A handler that remembers what it was called with, and the wait for a number of calls. */
function recorder() {
  const calls: string[] = [];
  return {
    calls,
    handler: async (_ctx: unknown, { invitationId }: { invitationId: string }) => void calls.push(invitationId),
    seen: (count: number, timeout = 5_000) =>
      vi.waitFor(() => expect(calls.length).toBeGreaterThanOrEqual(count), { timeout, interval: 20 }),
  };
}

const runsIn = (jobs: RunningJobs) => jobs.logLines.filter((line) => line.msg === 'job');

describe('enqueue', () => {
  test('leaves nothing behind when the transaction rolls back, and runs when it commits', async () => {
    const { calls, handler, seen } = recorder();
    const { ctx } = await start({ 'invitation.sendEmail': handler });
    const [lost, kept] = [randomUUID(), randomUUID()];

    const rolledBack = transact(ctx, async (ctx) => {
      await enqueue(ctx, 'invitation.sendEmail', { invitationId: lost });
      throw new Error('changed my mind');
    });
    await expect(rolledBack).rejects.toThrow('changed my mind');
    await transact(ctx, async (ctx) => {
      await enqueue(ctx, 'invitation.sendEmail', { invitationId: kept });
      expect(calls).toEqual([]);
    });

    await seen(1);
    expect(calls).toEqual([kept]);
    expect(await ctx.db.$queryRaw`select data from pgboss.job`).toEqual([{ data: { invitationId: kept } }]);
  });

  test('refuses a payload that the catalog does not know, so that no token slips in', async () => {
    const { ctx } = await start({});
    const payload = { invitationId: randomUUID(), token: 'secret' };

    await expect(enqueue(ctx, 'invitation.sendEmail', payload)).rejects.toThrow(/token/);
    expect(await ctx.db.$queryRaw`select count(*)::int from pgboss.job`).toEqual([{ count: 0 }]);
  });

  test('later means not before', async () => {
    const startedAt = Date.now();
    const { handler, seen } = recorder();
    const { ctx } = await start({ 'invitation.sendEmail': handler });

    const job = { name: 'invitation.sendEmail', payload: { invitationId: randomUUID() } } as const;
    await enqueueLater(ctx, job, 2);

    await seen(1);
    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(2_000);
  });
});

describe('a worker', () => {
  test('T1 runs a waiting job right after the one before', async () => {
    const { calls, handler, seen } = recorder();
    const { ctx } = await start({ 'invitation.sendEmail': handler });
    const ids = Array.from({ length: 20 }, () => randomUUID());

    await transact(ctx, async (ctx) => {
      for (const invitationId of ids) await enqueue(ctx, 'invitation.sendEmail', { invitationId });
    });

    // Asleep between two jobs, the slots would need ten seconds.
    await seen(20, 3_000);
    expect(calls.toSorted()).toEqual(ids.toSorted());
  });

  test('tries a failed job again and logs the error but not the payload', async () => {
    const invitationId = randomUUID();
    const { handler, seen } = recorder();
    let attempts = 0;
    const failsOnce: JobHandlers<JobName>['invitation.sendEmail'] = async (ctx, payload) => {
      attempts += 1;
      if (attempts === 1) throw Object.assign(new Error('the mail server is away'), { mail: 'dear Ada' });
      await handler(ctx, payload);
    };
    const jobs = await start({ 'invitation.sendEmail': failsOnce }, { JOB_RETRY_DELAY_SECONDS: '1' });

    await enqueue(jobs.ctx, 'invitation.sendEmail', { invitationId });

    await seen(1);
    await vi.waitFor(() => expect(runsIn(jobs)).toHaveLength(2));
    expect(runsIn(jobs)).toEqual([
      expect.objectContaining({
        level: 'warn',
        job: 'invitation.sendEmail',
        attempt: 1,
        outcome: 'retried',
        durationMs: expect.any(Number),
        err: expect.objectContaining({ message: 'the mail server is away' }),
      }),
      expect.objectContaining({ level: 'info', attempt: 2, outcome: 'done', jobId: expect.any(String) }),
    ]);
    expect(JSON.stringify(jobs.logLines)).not.toContain(invitationId);
  });

  test('gives up at JOB_RETRY_LIMIT and keeps what went wrong each time, and of an error its messages alone', async () => {
    let attempts = 0;
    const fails = async () => {
      attempts += 1;
      const cause = new Error('550 no such user <ada@example.com>');
      throw Object.assign(new Error(`no answer ${attempts}`, { cause }), { mail: 'dear Ada' });
    };
    const knobs = { JOB_RETRY_LIMIT: '1', JOB_RETRY_DELAY_SECONDS: '0' };
    const jobs = await start({ 'invitation.sendEmail': fails }, knobs);
    const invitationId = randomUUID();

    await enqueue(jobs.ctx, 'invitation.sendEmail', { invitationId });

    const letter = await vi.waitFor(() => jobs.ctx.db.deadLetter.findFirstOrThrow(), { timeout: 5_000 });
    const error = (attempt: number) => `no answer ${attempt}; caused by: 550 no such user <[address]>`;
    expect(letter).toMatchObject({
      queue: 'invitation.sendEmail',
      payload: { invitationId },
      attempts: 2,
      error: error(2),
      history: [
        { attempt: 1, error: error(1), failedAt: expect.any(String) },
        { attempt: 2, error: error(2), failedAt: expect.any(String) },
      ],
    });
    expect(
      await jobs.ctx.db.$queryRaw`select count(*)::int from pgboss.job where name = 'invitation.sendEmail'`,
    ).toEqual([{ count: 0 }]);
    expect(runsIn(jobs).map((line) => [line.level, line.outcome])).toEqual([
      ['warn', 'retried'],
      ['error', 'failed'],
    ]);
  });

  test('gives up at once what no other attempt could do better', async () => {
    const jobs = await start({
      'invitation.sendEmail': async () => {
        throw new PermanentFailure('there is no such mailbox');
      },
    });
    await enqueue(jobs.ctx, 'invitation.sendEmail', { invitationId: randomUUID() });

    const letter = await vi.waitFor(() => jobs.ctx.db.deadLetter.findFirstOrThrow(), { timeout: 5_000 });
    expect(letter).toMatchObject({ attempts: 1, error: 'there is no such mailbox' });
    expect(runsIn(jobs)).toHaveLength(1);
  });

  test('T8 finishes the running job before it stops', async () => {
    const started = Promise.withResolvers<void>();
    let finished = false;
    const jobs = await start({
      async 'invitation.sendEmail'(ctx, _payload, signal) {
        started.resolve();
        await ctx.db.$queryRaw`select pg_sleep(0.5)::text`;
        finished = !signal.aborted;
      },
    });
    await enqueue(jobs.ctx, 'invitation.sendEmail', { invitationId: randomUUID() });
    await started.promise;

    await jobs.stop();

    expect(finished).toBe(true);
    expect(runsIn(jobs)).toEqual([expect.objectContaining({ outcome: 'done' })]);
  });

  test('T8 aborts a job that outlasts the stop and leaves it for another worker', async () => {
    const started = Promise.withResolvers<void>();
    const untilAborted: JobHandlers<JobName>['invitation.sendEmail'] = async (_ctx, _payload, signal) => {
      started.resolve();
      await once(signal, 'abort');
      signal.throwIfAborted();
    };
    const first = await start({ 'invitation.sendEmail': untilAborted }, { JOB_RETRY_DELAY_SECONDS: '0' });
    const invitationId = randomUUID();
    await enqueue(first.ctx, 'invitation.sendEmail', { invitationId });
    await started.promise;

    await stopJobQueue(first.ctx.platform.jobQueue, 1_000);
    const { calls, handler, seen } = recorder();
    await start({ 'invitation.sendEmail': handler });

    await seen(1, 10_000);
    expect(calls).toEqual([invitationId]);
    expect(runsIn(first)).toEqual([expect.objectContaining({ outcome: 'aborted' })]);
  });
});

describe('the clock', () => {
  test('of the program, not of the database, says when a job is due', async () => {
    const { calls, handler, seen } = recorder();
    const first = await start({ 'invitation.sendEmail': handler });
    const [later, now] = [randomUUID(), randomUUID()];
    await enqueueLater(first.ctx, { name: 'invitation.sendEmail', payload: { invitationId: later } }, 3_600);
    await enqueue(first.ctx, 'invitation.sendEmail', { invitationId: now });
    await seen(1);
    expect(calls).toEqual([now]);
    await first.stop();

    const ahead = await start({ 'invitation.sendEmail': handler }, { TEST_CLOCK_OFFSET_SECONDS: '3700' });
    await seen(2);
    expect(calls).toEqual([now, later]);
    const [soon, muchLater] = [randomUUID(), randomUUID()];
    await enqueueLater(ahead.ctx, { name: 'invitation.sendEmail', payload: { invitationId: muchLater } }, 3_600);
    await enqueue(ahead.ctx, 'invitation.sendEmail', { invitationId: soon });
    await seen(3);
    expect(calls).toEqual([now, later, soon]);
    expect(
      await ahead.ctx.db.$queryRaw`select data->>'invitationId' as id from pgboss.job where state = 'created'`,
    ).toEqual([{ id: muchLater }]);
  });
});
