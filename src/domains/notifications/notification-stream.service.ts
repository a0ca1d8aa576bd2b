import { Repeater } from '@repeaterjs/repeater';
import type { Ctx } from '../../context.ts';
import type { Notification } from '../../generated/prisma/client.ts';

/** A wake-up can be lost with the process, or the Redis, that should have brought it. */
const lookEveryMs = 10_000;
const readAtOnce = 100;

/**
 * A person's notifications as they are made and read, from `after` on, from now on when null. Wake-ups only say when to
 * look: what is told comes from the database, in the order of its positions, so there is no gap and no repeat.
 */
export async function notificationChanges(
  ctx: Ctx,
  { userId, after }: { userId: string; after: bigint | null },
): Promise<AsyncIterable<Notification>> {
  const start = after ?? (await currentPosition(ctx, userId));
  return new Repeater<Notification>(async (push, stop) => {
    const alarm = startAlarm(ctx, userId);
    let hasStopped = false;
    void stop.then(() => {
      hasStopped = true;
      alarm.stop();
    });
    try {
      let position = start;
      while (!hasStopped) {
        // Set before the look: what commits during it rings again.
        const nextRing = alarm.nextRing();
        const changes = await changesAfter(ctx, { userId, position });
        for (const change of changes) {
          if (hasStopped) return;
          // Waits until the reader asks for more.
          await push(change);
          position = change.changePosition;
        }
        if (changes.length < readAtOnce) await nextRing;
      }
    } finally {
      alarm.stop();
    }
  });
}

async function currentPosition(ctx: Ctx, userId: string): Promise<bigint> {
  const feed = await ctx.db.notificationFeed.findUnique({ where: { userId } });
  return feed?.position ?? 0n;
}

function changesAfter(ctx: Ctx, { userId, position }: { userId: string; position: bigint }): Promise<Notification[]> {
  return ctx.db.notification.findMany({
    where: { userId, changePosition: { gt: position } },
    orderBy: { changePosition: 'asc' },
    take: readAtOnce,
  });
}

/** Rings when something may have changed, at the latest every ten seconds. Many wake-ups while nobody waits are one. */
function startAlarm(ctx: Ctx, userId: string) {
  let ring: () => void = () => undefined;
  const wakeUps = ctx.platform.pubsub.subscribe('notifications', userId)[Symbol.asyncIterator]();
  // A broken subscription leaves the timer, which is slower and misses nothing.
  void (async () => {
    while (!(await wakeUps.next()).done) ring();
  })().catch((error: unknown) => ctx.log.warn({ err: error }, 'a wake-up for notifications was lost'));
  const timer = setInterval(() => ring(), lookEveryMs).unref();
  return {
    nextRing: () =>
      new Promise<void>((resolve) => {
        ring = resolve;
      }),
    stop() {
      clearInterval(timer);
      ring();
      void wakeUps.return?.();
    },
  };
}
