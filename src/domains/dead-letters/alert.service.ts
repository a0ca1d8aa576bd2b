import type { Ctx } from '../../context.ts';
import { enqueue } from '../../jobs/queue.ts';

const quietMinutes = 60;

/** What of a dead letter an alert tells. */
export interface Alert {
  readonly to: { readonly name: string; readonly email: string };
  readonly queue: string;
  readonly error: string;
  readonly openCount: number;
}

/** Writes to the superusers of a new dead letter, at most once an hour of one kind of job. */
export async function alertSuperusers(ctx: Ctx, letter: { id: string; queue: string }): Promise<void> {
  // Of an alert that cannot be mailed no other one would arrive.
  if (letter.queue === 'deadLetter.sendAlert') return;
  const now = ctx.now();
  const quietSince = new Date(now.getTime() - quietMinutes * 60_000);
  const due = await ctx.db.$executeRaw`
    INSERT INTO dead_letter_alerts AS alert (queue, alerted_at) VALUES (${letter.queue}, ${now})
    ON CONFLICT (queue) DO UPDATE SET alerted_at = ${now} WHERE alert.alerted_at <= ${quietSince}`;
  if (due === 0) return;
  const superusers = await ctx.db.user.findMany({ where: activeSuperuser, select: { id: true } });
  for (const { id } of superusers) {
    await enqueue(ctx, 'deadLetter.sendAlert', { userId: id, deadLetterId: letter.id });
  }
}

/** What to write to whom; null when nobody is to be told any more, or there is nothing left to tell. */
export async function prepareAlert(ctx: Ctx, input: { userId: string; deadLetterId: string }): Promise<Alert | null> {
  const to = await ctx.db.user.findFirst({
    where: { id: input.userId, ...activeSuperuser },
    select: { name: true, email: true },
  });
  const letter = await ctx.db.deadLetter.findUnique({ where: { id: input.deadLetterId } });
  if (!to || letter?.state !== 'OPEN') return null;
  const { queue, error } = letter;
  return { to, queue, error, openCount: await ctx.db.deadLetter.count({ where: { queue, state: 'OPEN' } }) };
}

const activeSuperuser = { isSuperuser: true, lockedAt: null, emailVerifiedAt: { not: null } };
