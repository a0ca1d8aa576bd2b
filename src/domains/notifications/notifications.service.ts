import type { Ctx } from '../../context.ts';
import { NotFound } from '../../errors.ts';
import type { Notification, Prisma } from '../../generated/prisma/client.ts';
import { transact } from '../../platform/db.ts';
import { signedInActor } from '../members/members.access.ts';
import { type NotificationData, type NotificationText, textOf } from './notification-texts.ts';
import { publishChange } from './notify.service.ts';

type PageQuery = { id: { gt?: string; lt?: string }; orderBy: { id: 'asc' | 'desc' }; take: number };

/** What a person's cursors belong to: those of the list and those of the stream are places in the same count. */
export function feedName(userId: string): string {
  return `notifications/${userId}`;
}

/** What a person was told, newest first. */
export function notificationsOf(
  ctx: Ctx,
  { userId, unreadOnly }: { userId: string; unreadOnly: boolean },
  query: Pick<Prisma.NotificationFindManyArgs, 'select' | 'include'>,
) {
  const where: Prisma.NotificationWhereInput = { userId, ...(unreadOnly && { readAt: null }) };
  return {
    name: feedName(userId),
    keyOf: ({ position }: Notification) => String(position),
    find: ({ id: { gt, lt }, orderBy, take }: PageQuery): Promise<Notification[]> =>
      ctx.db.notification.findMany({
        ...withPosition(query),
        // What comes after in the list has the lower position.
        where: { AND: [where, { position: { ...(gt && { lt: BigInt(gt) }), ...(lt && { gt: BigInt(lt) }) } }] },
        orderBy: { position: orderBy.id === 'asc' ? 'desc' : 'asc' },
        take,
      }) as Promise<Notification[]>,
    count: () => ctx.db.notification.count({ where }),
  };
}

/** How many of the person's notifications are unread. */
export function unreadCountOf(ctx: Ctx, { userId }: { userId: string }): Promise<number> {
  return ctx.db.notification.count({ where: { userId, readAt: null } });
}

/** What a notification says to people, in English. */
export function textFor({ type, data }: Pick<Notification, 'type' | 'data'>): NotificationText {
  return textOf(type, data as NotificationData);
}

/** Marks one of the caller's own; one that is read already stays as it is. @throws NotFound */
export async function markRead(ctx: Ctx, { notificationId }: { notificationId: string }): Promise<{ userId: string }> {
  const { userId } = signedInActor(ctx);
  const own = await ctx.db.notification.findUnique({ where: { id: notificationId, userId }, select: { id: true } });
  if (!own) throw new NotFound();
  return mark(ctx, { userId, notificationId });
}

/** Marks all of the caller's own that were written up to `before`, now if not given. May be repeated. */
export function markAllRead(ctx: Ctx, { before }: { before: Date | null }): Promise<{ userId: string }> {
  const { userId } = signedInActor(ctx);
  return mark(ctx, { userId, before: before ?? ctx.now() });
}

/** Under the lock of the feed, so that each change has a position of its own in the order of commits. */
async function mark(
  ctx: Ctx,
  which: { userId: string; notificationId: string } | { userId: string; before: Date },
): Promise<{ userId: string }> {
  const { userId } = which;
  return transact(ctx, async (ctx) => {
    const [feed] = await ctx.db.$queryRaw<{ position: bigint }[]>`
      SELECT position FROM notification_feeds WHERE user_id = ${userId}::uuid FOR UPDATE`;
    if (!feed) return { userId };
    const chosen = 'before' in which ? { createdAt: { lte: which.before } } : { id: which.notificationId };
    const unread = await ctx.db.notification.findMany({
      where: { userId, readAt: null, ...chosen },
      select: { id: true },
      orderBy: { position: 'asc' },
    });
    const [first] = unread;
    if (!first) return { userId };
    await writeRead(ctx, { ids: unread.map(({ id }) => id), after: feed.position });
    const position = feed.position + BigInt(unread.length);
    await ctx.db.notificationFeed.update({ where: { userId }, data: { position } });
    publishChange(ctx, { userId, notificationId: first.id });
    return { userId };
  });
}

async function writeRead(ctx: Ctx, { ids, after }: { ids: string[]; after: bigint }): Promise<void> {
  await ctx.db.$executeRaw`
    UPDATE notifications SET read_at = ${ctx.now()}, change_position = ${after} + chosen.place
    FROM unnest(${ids}::uuid[]) WITH ORDINALITY AS chosen(id, place)
    WHERE notifications.id = chosen.id`;
}

function withPosition(query: Pick<Prisma.NotificationFindManyArgs, 'select' | 'include'>) {
  return query.select ? { ...query, select: { ...query.select, position: true } } : query;
}
