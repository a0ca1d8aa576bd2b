import type { Ctx } from '../../context.ts';
import { ValidationFailed } from '../../errors.ts';
import { signedInActor } from '../members/members.access.ts';
import { lockedTypes, notificationTypes } from './notification-texts.ts';

/** How people are told; mails are for who asks for them. */
export const usualChannels = { IN_APP: true, EMAIL: false } as const;

export type NotificationChannel = keyof typeof usualChannels;

export interface NotificationPreference {
  readonly type: string;
  readonly channel: NotificationChannel;
  readonly isEnabled: boolean;
  /** Whether it cannot be switched off. */
  readonly isLocked: boolean;
}

const channels = Object.keys(usualChannels) as NotificationChannel[];

/** What the person is told of by which channel: every type by every channel. */
export async function notificationPreferencesOf(
  ctx: Ctx,
  { userId }: { userId: string },
): Promise<NotificationPreference[]> {
  const chosen = await ctx.db.notificationPreference.findMany({ where: { userId } });
  return notificationTypes.flatMap((type) =>
    channels.map((channel) => {
      const choice = chosen.find((row) => row.type === type && row.channel === channel)?.isEnabled;
      const isLocked = lockedTypes.has(type);
      return { type, channel, isLocked, isEnabled: isLocked || (choice ?? usualChannels[channel]) };
    }),
  );
}

/** Sets one of the caller's own. May be repeated. @throws ValidationFailed for an unknown type, and to switch off what warns of others */
export async function updateNotificationPreference(
  ctx: Ctx,
  { type, channel, isEnabled }: Omit<NotificationPreference, 'isLocked'>,
): Promise<NotificationPreference> {
  const { userId } = signedInActor(ctx);
  if (!notificationTypes.some((known) => known === type)) {
    throw new ValidationFailed([{ path: ['type'], message: 'There is no such type of notification.' }]);
  }
  const isLocked = lockedTypes.has(type);
  if (isLocked && !isEnabled) {
    throw new ValidationFailed([{ path: ['isEnabled'], message: 'What may be the doing of others is always told.' }]);
  }
  const key = { userId, type, channel };
  await ctx.db.notificationPreference.upsert({
    where: { userId_type_channel: key },
    create: { ...key, isEnabled },
    update: { isEnabled },
  });
  return { type, channel, isEnabled, isLocked };
}

/** Which of these people want to be told of this type in the app, and which by mail. */
export async function channelsFor(
  ctx: Ctx,
  { userIds, type }: { userIds: readonly string[]; type: string },
): Promise<Record<NotificationChannel, string[]>> {
  // Its mail is the security notice, which is sent anyway.
  if (lockedTypes.has(type)) return { IN_APP: [...userIds], EMAIL: [] };
  const chosen = await ctx.db.notificationPreference.findMany({ where: { userId: { in: [...userIds] }, type } });
  const who = (channel: NotificationChannel) =>
    userIds.filter((userId) => {
      const choice = chosen.find((row) => row.userId === userId && row.channel === channel);
      return choice?.isEnabled ?? usualChannels[channel];
    });
  return { IN_APP: who('IN_APP'), EMAIL: who('EMAIL') };
}
