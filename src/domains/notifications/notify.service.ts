import type { Ctx } from '../../context.ts';
import type { JobPayload } from '../../jobs/catalog.ts';
import { enqueue } from '../../jobs/queue.ts';
import { afterCommit, transact } from '../../platform/db.ts';
import { newId } from '../../platform/typeid.ts';
import { channelsFor } from './notification-preferences.service.ts';
import { type NotificationText, type NotificationType, textOf } from './notification-texts.ts';

export interface NewNotification {
  /** The people concerned. Whoever caused it is left out, if among them. */
  readonly userIds: readonly string[];
  readonly type: NotificationType;
  readonly organizationId: string | null;
  /** Without secrets. Ids are UUIDs under a name that ends in their kind, as in the audit log. */
  readonly data: Record<string, string | number | boolean | null>;
  /** For what is done in a person's name: they are told even if it seems to be their own doing. */
  readonly tellsTheActorToo?: boolean;
}

/** Tells people in the app, in the transaction of the change that caused it; those who listen hear of it at its commit. */
export async function notify(ctx: Ctx, notification: NewNotification): Promise<void> {
  const told = peopleToTell(ctx, notification);
  if (told.length === 0) return;
  await transact(ctx, async (ctx) => {
    const { type, organizationId } = notification;
    const { IN_APP, EMAIL } = await channelsFor(ctx, { userIds: told, type });
    if (IN_APP.length > 0) await writeFor(ctx, IN_APP, notification);
    for (const userId of EMAIL) {
      const about = { type, data: notification.data, ...(organizationId && { organizationId }) };
      await enqueue(ctx, 'notification.sendEmail', { userId, ...about });
    }
  });
}

async function writeFor(ctx: Ctx, userIds: string[], notification: NewNotification): Promise<void> {
  const { type, organizationId } = notification;
  const data = {
    ...notification.data,
    ...(organizationId && { organizationName: await nameOf(ctx, organizationId) }),
  };
  const createdAt = ctx.now();
  const rows = (await takePositions(ctx, userIds)).map(({ userId, position }) => {
    return { id: newId(), userId, type, organizationId, data, createdAt, position, changePosition: position };
  });
  await ctx.db.notification.createMany({ data: rows });
  for (const { id, userId } of rows) publishChange(ctx, { userId, notificationId: id });
}

/** What a mail says of a notification, and to whom; null when there is nobody left to tell. */
export async function mailedNotification(
  ctx: Ctx,
  { userId, type, organizationId, data }: JobPayload<'notification.sendEmail'>,
): Promise<(NotificationText & { to: { name: string; email: string } }) | null> {
  const to = await ctx.db.user.findUnique({
    where: { id: userId, lockedAt: null, emailVerifiedAt: { not: null } },
    select: { name: true, email: true },
  });
  if (!to) return null;
  const organizationName = organizationId ? await nameOf(ctx, organizationId) : null;
  return { to, ...textOf(type, { ...data, organizationName }) };
}

/** Wakes the person's other devices when the caller's transaction has committed. */
export function publishChange(ctx: Ctx, { userId, notificationId }: { userId: string; notificationId: string }): void {
  afterCommit(ctx, () => ctx.platform.pubsub.publish('notifications', userId, { notificationId }));
}

function peopleToTell({ actor }: Ctx, { userIds, tellsTheActorToo }: NewNotification): string[] {
  const causedBy = actor.kind === 'user' && !tellsTheActorToo ? actor.userId : null;
  // In one order for all, so that no two wait for each other's feeds.
  return [...new Set(userIds)].filter((userId) => userId !== causedBy).sort();
}

/** As it is now: who has been removed could not look it up. */
async function nameOf(ctx: Ctx, organizationId: string): Promise<string | null> {
  const organization = await ctx.db.organization.findUnique({ where: { id: organizationId }, select: { name: true } });
  return organization?.name ?? null;
}

/** The next position of each person's feed, which stays locked until the commit. */
function takePositions(ctx: Ctx, userIds: string[]): Promise<{ userId: string; position: bigint }[]> {
  return ctx.db.$queryRaw`
    INSERT INTO notification_feeds AS feed (user_id, position)
    SELECT told.id, 1 FROM unnest(${userIds}::uuid[]) WITH ORDINALITY AS told(id, place) ORDER BY told.place
    ON CONFLICT (user_id) DO UPDATE SET position = feed.position + 1
    RETURNING user_id::text AS "userId", position`;
}
