import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { catalog, type JobHandlers, type JobName, jobNames } from '../src/jobs/catalog.ts';
import { PermanentFailure } from '../src/jobs/failure.ts';
import { installJobQueue } from '../src/jobs/install.ts';
import { queueMetrics } from '../src/jobs/metrics.ts';
import { enqueue, enqueueLater } from '../src/jobs/queue.ts';
import { cloneDatabase } from './support/database.ts';
import { type RunningJobs, startJobs } from './support/jobs.ts';
import { projectFiles, textOf } from './support/sources.ts';

// What was found out about the job queue before it was chosen, each with what keeps it from us.
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

type Handler = JobHandlers<JobName>['invitation.sendEmail'];

async function start(handler: Handler, environment: Record<string, string> = {}): Promise<RunningJobs> {
  const jobs = await startJobs(database.url, { 'invitation.sendEmail': handler }, environment);
  running.push(jobs);
  return jobs;
}

const invite = ({ ctx }: RunningJobs, invitationId: string, organizationId = randomUUID()) =>
  enqueue(ctx, 'invitation.sendEmail', { invitationId, organizationId });
const soon = { timeout: 8_000, interval: 20 };

test('T2 a retry starts when it is due, not at the next half minute', async () => {
  let attempts = 0;
  const jobs = await start(
    async () => {
      attempts += 1;
      if (attempts < 3) throw new Error('not now');
    },
    { JOB_RETRY_DELAY_SECONDS: '1' },
  );
  await invite(jobs, randomUUID());
  await vi.waitFor(() => expect(attempts).toBe(3), soon);
});

test('T3 a slow job holds up no other one, and what is done stays done though it fails', async () => {
  const [slow, ...quick] = Array.from({ length: 6 }, () => randomUUID());
  const done: string[] = [];
  const release = Promise.withResolvers<void>();
  const jobs = await start(
    async (_ctx, { invitationId }) => {
      if (invitationId === slow) {
        await release.promise;
        throw new Error('too slow');
      }
      done.push(invitationId);
    },
    { JOB_RETRY_LIMIT: '0' },
  );
  for (const id of [slow as string, ...quick]) await invite(jobs, id);
  await vi.waitFor(() => expect(done.toSorted()).toEqual(quick.toSorted()), soon);
  release.resolve();
  await vi.waitFor(async () => expect(await jobs.ctx.db.deadLetter.count()).toBe(1), soon);
  expect(done).toHaveLength(quick.length);
});

describe('the queue', () => {
  const sources = projectFiles()
    .filter((file) => /^src\/.*\.ts$/.test(file))
    .map((file) => ({ file, text: textOf(file) }));
  const naming = (pattern: RegExp) => sources.filter(({ text }) => pattern.test(text)).map(({ file }) => file);

  test('T4 is asked to redrive or retry nothing: a dead letter goes back by its id alone', () => {
    expect(naming(/jobQueue\s*\.(redrive|previewRedrive|retry|resume)\b|deadLetter:\s*['"]/)).toEqual([]);
  });

  test('T6 keeps what waits for years, and no failure but those of the moment', async () => {
    const jobs = await start(async () => {
      throw new PermanentFailure('no');
    });
    const later = { invitationId: randomUUID() };
    await enqueueLater(jobs.ctx, { name: 'invitation.sendEmail', payload: later }, 86_400);
    await invite(jobs, randomUUID());
    await vi.waitFor(async () => expect(await jobs.ctx.db.deadLetter.count()).toBe(1), soon);
    const rows = await jobs.ctx.db.$queryRaw`
      select data, keep_until > now() + interval '5 years' as kept from pgboss.job where name = 'invitation.sendEmail'`;
    expect(rows).toEqual([{ data: later, kept: true }]);
  });

  test('T7 is written to in the role of the program: nothing here changes roles', () => {
    expect(naming(/SET\s+(LOCAL\s+|SESSION\s+)?ROLE/i)).toEqual([]);
  });

  test('T9 is there before the first job: every queue of the catalog, also when two install at once', async () => {
    await Promise.all([installJobQueue(database.url), installJobQueue(database.url)]);
    const jobs = await start(async () => undefined);
    const queues = await jobs.ctx.db.$queryRaw<{ name: string; policy: string; notify: boolean }[]>`
      select name, policy, notify from pgboss.queue where name not like '\\_\\_pgboss%'`;
    expect(queues.map(({ name }) => name).sort()).toEqual([...jobNames].sort());
    // T11: one that keeps order by key would stop a key at its first failure.
    expect(new Set(queues.map(({ policy }) => policy))).toEqual(new Set(['standard']));
    expect(new Set(queues.map(({ notify }) => notify))).toEqual(new Set([true]));
  });

  test('T10 lends no handler a connection of its own, so that many at work starve nobody', async () => {
    expect(naming(/transactional:\s*true/)).toEqual([]);
    const release = Promise.withResolvers<void>();
    let atWork = 0;
    const jobs = await start(async () => {
      atWork += 1;
      await release.promise;
    });
    const more = await start(async () => {
      atWork += 1;
      await release.promise;
    });
    for (let i = 0; i < 20; i += 1) await invite(jobs, randomUUID());
    const { concurrency } = catalog['invitation.sendEmail'].policy;
    await vi.waitFor(() => expect(atWork).toBe(2 * concurrency), soon);
    expect(await queueMetrics(jobs.ctx)).toContainEqual({
      queue: 'invitation.sendEmail',
      running: 2 * concurrency,
      waiting: 20 - 2 * concurrency,
      delayed: 0,
      retrying: 0,
      oldestWaitingSeconds: expect.any(Number),
      openDeadLetters: 0,
    });
    release.resolve();
    await vi.waitFor(() => expect(atWork).toBe(20), soon);
    await more.stop();
  });
});

test('T11 a failure of one key stops no other job of that key', async () => {
  const organizationId = randomUUID();
  const done: string[] = [];
  const doomed = randomUUID();
  const jobs = await start(
    async (_ctx, { invitationId }) => {
      if (invitationId === doomed) throw new Error('never');
      done.push(invitationId);
    },
    { JOB_RETRY_LIMIT: '3', JOB_RETRY_DELAY_SECONDS: '3600' },
  );
  await invite(jobs, doomed, organizationId);
  await vi.waitFor(() => expect(jobs.logLines.some(({ outcome }) => outcome === 'retried')).toBe(true), soon);
  const next = randomUUID();
  await invite(jobs, next, organizationId);
  await vi.waitFor(() => expect(done).toEqual([next]), soon);
  expect((await queueMetrics(jobs.ctx)).find(({ queue }) => queue === 'invitation.sendEmail')).toMatchObject({
    waiting: 0,
    delayed: 1,
    retrying: 1,
    running: 0,
    oldestWaitingSeconds: 0,
  });
});

test('one key has one job at work at a time, and leaves a place to others', async () => {
  const [greedy, modest] = [randomUUID(), randomUUID()];
  const at = new Map<string, number>();
  const most = new Map<string, number>();
  const release = Promise.withResolvers<void>();
  const jobs = await start(async (_ctx, { organizationId = '' }) => {
    at.set(organizationId, (at.get(organizationId) ?? 0) + 1);
    most.set(organizationId, Math.max(most.get(organizationId) ?? 0, at.get(organizationId) ?? 0));
    await release.promise;
    at.set(organizationId, (at.get(organizationId) ?? 0) - 1);
  });
  for (let i = 0; i < 10; i += 1) await invite(jobs, randomUUID(), greedy);
  await vi.waitFor(() => expect(at.get(greedy)).toBe(1), soon);
  await invite(jobs, randomUUID(), modest);
  await vi.waitFor(() => expect(at.get(modest)).toBe(1), soon);
  expect(most.get(greedy)).toBe(1);
  release.resolve();
});

test('waits longer before each attempt, and never as long as its neighbours', async () => {
  const jobs = await start(async () => {
    throw new Error('not now');
  });
  for (let i = 0; i < 12; i += 1) await invite(jobs, randomUUID());
  const waits = () => jobs.ctx.db.$queryRaw<{ seconds: number }[]>`
    select extract(epoch from start_after - started_on)::float8 as seconds from pgboss.job where state = 'retry'`;
  await vi.waitFor(async () => expect(await waits()).toHaveLength(12), soon);
  const seconds = (await waits()).map((wait) => Math.round(wait.seconds * 100));
  expect(new Set(seconds).size).toBeGreaterThan(6);
  expect(Math.min(...seconds)).toBeGreaterThanOrEqual(200);
});

test('is ended when its time is up, and the dead letter says so', async () => {
  const timeout = AbortSignal.timeout.bind(AbortSignal);
  const timer = vi.spyOn(AbortSignal, 'timeout').mockImplementation(() => timeout(300));
  const jobs = await start(
    async (_ctx, _payload, signal) => {
      await once(signal, 'abort');
      signal.throwIfAborted();
    },
    { JOB_RETRY_LIMIT: '0' },
  );
  await invite(jobs, randomUUID());
  const letter = await vi.waitFor(() => jobs.ctx.db.deadLetter.findFirstOrThrow(), soon);
  expect(letter.error).toMatch(/^The attempt did not end in its time\.; caused by: .*timeout/);
  expect(timer).toHaveBeenCalledWith(catalog['invitation.sendEmail'].policy.expireInSeconds * 1_000);
  timer.mockRestore();
});
