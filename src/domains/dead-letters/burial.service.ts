import { z } from 'zod';
import type { Ctx } from '../../context.ts';
import type { Prisma } from '../../generated/prisma/client.ts';
import { definitionOf } from '../../jobs/catalog.ts';
import { type FailedAttempt, failedAttempts, wordOfQueue } from '../../jobs/failure.ts';
import { type FailedJob, takeOutFailed } from '../../jobs/queue.ts';
import { afterCommit, transact } from '../../platform/db.ts';
import { newId } from '../../platform/typeid.ts';
import { alertSuperusers } from './alert.service.ts';

/** A job that has failed for good. */
export interface GivenUpJob {
  readonly id: string;
  readonly queue: string;
  readonly payload: unknown;
  readonly attempts: number;
  readonly history: readonly FailedAttempt[];
}

const collectedAtOnce = 50;

/** Keeps a job that is given up as a dead letter, in the transaction that takes it out of the queue, as the catalog says. */
export async function buryJob(ctx: Ctx, job: GivenUpJob): Promise<void> {
  const remains = definitionOf(job.queue)?.policy.remains;
  if (remains === 'nothing') return;
  await transact(ctx, async (ctx) => {
    if (remains === 'oneDeadLetter' && (await hasOpenLetter(ctx, job.queue))) return;
    const payload = knownPart(job.queue, job.payload);
    const [letter] = await ctx.db.deadLetter.createManyAndReturn({
      data: {
        id: newId(),
        jobId: job.id,
        queue: job.queue,
        payload,
        error: job.history.at(-1)?.error ?? 'unknown',
        history: [...job.history] as unknown as Prisma.InputJsonArray,
        attempts: job.attempts,
        organizationId: await organizationOf(ctx, payload),
        failedAt: ctx.now(),
      },
      skipDuplicates: true,
      select: { id: true, queue: true },
    });
    if (!letter) return;
    await alertSuperusers(ctx, letter);
    afterCommit(ctx, () => ctx.platform.pubsub.publish('deadLetters', 'all', { deadLetterId: letter.id }));
  });
}

/** Whether one of this kind waits for somebody; nobody else buries another one before the caller commits. */
async function hasOpenLetter(ctx: Ctx, queue: string): Promise<boolean> {
  await ctx.db.$queryRaw`SELECT pg_advisory_xact_lock(hashtextextended(${queue}, 0))::text`;
  return (await ctx.db.deadLetter.count({ where: { queue, state: 'OPEN' } })) > 0;
}

/** Buries what the queue has given up by itself: no worker was left that could have done it. */
export async function collectFailedJobs(ctx: Ctx): Promise<void> {
  for (let count = collectedAtOnce; count === collectedAtOnce; ) {
    count = await transact(ctx, async (ctx) => {
      const failed = await takeOutFailed(ctx, collectedAtOnce);
      for (const job of failed) await buryJob(ctx, givenUp(job, ctx.now()));
      return failed.length;
    });
  }
}

function givenUp({ id, name, data, output, attempts }: FailedJob, now: Date): GivenUpJob {
  const error = wordOfQueue(output);
  const history = error === null ? failedAttempts(output) : [{ attempt: attempts, failedAt: now.toISOString(), error }];
  return { id, queue: name, payload: data, attempts, history };
}

/** What the catalog knows and finds right: of anything else only that it was there. */
function knownPart(queue: string, payload: unknown): Prisma.JsonObject {
  const shape = definitionOf(queue)?.payload.shape ?? {};
  const entries = Object.entries(typeof payload === 'object' && payload !== null ? payload : {});
  return Object.fromEntries(entries.map(([key, value]) => [key, isKnown(shape[key], value) ? value : '[redacted]']));
}

function isKnown(type: z.core.$ZodType | undefined, value: unknown): boolean {
  return type !== undefined && z.safeParse(type, value).success;
}

/** Null when the job belongs to none, or to one that is gone. */
async function organizationOf(ctx: Ctx, { organizationId }: Prisma.JsonObject): Promise<string | null> {
  if (typeof organizationId !== 'string' || organizationId === '[redacted]') return null;
  const [organization] = await ctx.db.$queryRaw<{ id: string }[]>`
    SELECT id::text FROM organizations WHERE id = ${organizationId}::uuid FOR KEY SHARE`;
  return organization?.id ?? null;
}
