import { z } from 'zod';
import type { Actor, Ctx } from '../../context.ts';
import { Conflict, NotFound, parseInput } from '../../errors.ts';
import type { DeadLetter, DeadLetterState, Prisma } from '../../generated/prisma/client.ts';
import { definitionOf, type JobName } from '../../jobs/catalog.ts';
import type { FailedAttempt } from '../../jobs/failure.ts';
import { enqueueOnce } from '../../jobs/queue.ts';
import { transact } from '../../platform/db.ts';
import { recordAudit } from '../audit/audit.service.ts';
import { readsEverything, signedInActor } from '../members/members.access.ts';

type PageQuery = { id: { gt?: string; lt?: string }; orderBy: { id: 'asc' | 'desc' }; take: number };

interface Filter {
  readonly state?: DeadLetterState | null | undefined;
  readonly queue?: string | null | undefined;
}

/** The jobs that were given up, newest first. For superusers. */
export function deadLettersOf(
  ctx: Ctx,
  { state, queue }: Filter,
  query: Pick<Prisma.DeadLetterFindManyArgs, 'select' | 'include'>,
) {
  const where: Prisma.DeadLetterWhereInput = { ...(state && { state }), ...(queue && { queue }) };
  return {
    name: 'admin.deadLetters',
    find: ({ id: { gt, lt }, orderBy, take }: PageQuery): Promise<DeadLetter[]> =>
      ctx.db.deadLetter.findMany({
        ...query,
        // What comes after in the list is the older one.
        where: { AND: [where, { id: { ...(gt && { lt: gt }), ...(lt && { gt: lt }) } }] },
        orderBy: { id: orderBy.id === 'asc' ? 'desc' : 'asc' },
        take,
      }),
    count: () => ctx.db.deadLetter.count({ where }),
  };
}

/** How many there are of each kind of job in each state. For superusers. */
export async function countDeadLetters(ctx: Ctx): Promise<{ queue: string; state: DeadLetterState; count: number }[]> {
  const counts = await ctx.db.deadLetter.groupBy({
    by: ['queue', 'state'],
    _count: true,
    orderBy: [{ queue: 'asc' }, { state: 'asc' }],
  });
  return counts.map(({ queue, state, _count: count }) => ({ queue, state, count }));
}

/** The dead letters that the caller may see: all, or none (F19). */
export function visibleDeadLetters(actor: Actor): Prisma.DeadLetterWhereInput {
  return readsEverything(actor) ? {} : { id: { in: [] } };
}

/** What a superuser sees of a payload: what is sealed stays so. */
export function shownPayload(payload: Prisma.JsonValue): Prisma.JsonValue {
  const entries = Object.entries(payload as Prisma.JsonObject);
  return Object.fromEntries(
    entries.map(([key, value = null]) => [key, key.startsWith('sealed') ? '[redacted]' : value]),
  );
}

/** The attempts that a row tells of, oldest first. */
export function historyOf(history: Prisma.JsonValue): { attempt: number; failedAt: Date; error: string }[] {
  const attempts = history as unknown as FailedAttempt[];
  return attempts.map((attempt) => ({ ...attempt, failedAt: new Date(attempt.failedAt) }));
}

/**
 * Puts the job back into its queue, once: of several callers one does, and is named as the one who handled it.
 * @throws NotFound; Conflict when it was handled already, or when this version does not know such a job
 */
export async function retryDeadLetter(ctx: Ctx, input: HandleInput): Promise<DeadLetter> {
  return transact(ctx, async (ctx) => {
    const letter = await handle(ctx, input, 'RETRIED');
    const { queue, payload } = letter;
    const isKnown = definitionOf(queue)?.payload.safeParse(payload).success;
    if (!isKnown) throw new Conflict('This version knows no such job: resolve it instead.');
    await enqueueOnce(ctx, { name: queue as JobName, payload: payload as never }, letter.jobId);
    await audit(ctx, letter, 'deadLetter.retried');
    return letter;
  });
}

/** Files a dead letter away: nothing more is done about it. @throws NotFound; Conflict when it was handled already */
export async function resolveDeadLetter(ctx: Ctx, input: HandleInput): Promise<DeadLetter> {
  return transact(ctx, async (ctx) => {
    const letter = await handle(ctx, input, 'RESOLVED');
    await audit(ctx, letter, 'deadLetter.resolved');
    return letter;
  });
}

export interface HandleInput {
  readonly deadLetterId: string;
  readonly note?: string | null | undefined;
}

const Note = z.string().trim().max(1_000, 'At most 1,000 characters.').nullish();

/** The conditional update decides between two at once. */
async function handle(ctx: Ctx, input: HandleInput, state: 'RETRIED' | 'RESOLVED'): Promise<DeadLetter> {
  const { userId } = signedInActor(ctx);
  const { note } = parseInput(z.object({ note: Note }), { note: input.note });
  const [letter] = await ctx.db.deadLetter.updateManyAndReturn({
    where: { id: input.deadLetterId, state: 'OPEN' },
    data: { state, resolvedById: userId, resolvedAt: ctx.now(), note: note || null },
  });
  if (letter) return letter;
  const isThere = await ctx.db.deadLetter.count({ where: { id: input.deadLetterId } });
  throw isThere ? new Conflict('Somebody has handled it already.') : new NotFound();
}

async function audit(ctx: Ctx, letter: DeadLetter, action: string): Promise<void> {
  await recordAudit(ctx, {
    organizationId: null,
    action,
    targetType: 'DeadLetter',
    targetId: letter.id,
    metadata: { queue: letter.queue, jobId: letter.jobId, hasNote: letter.note !== null },
  });
}
