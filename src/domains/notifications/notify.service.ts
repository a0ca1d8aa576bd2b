import type { Ctx } from '../../context.ts';
import { newId } from '../../platform/typeid.ts';

/** What people are told of. */
export const notificationTypes = [
  'invitation.received',
  'member.joined',
  'member.removed',
  'member.roleChanged',
  'ownership.transferred',
  'quota.threshold',
  'webhookEndpoint.failing',
  'webhookEndpoint.disabled',
  'apiKey.expiring',
  'billing.pastDue',
  'session.revokedForReuse',
  'mfa.changed',
] as const;

export type NotificationType = (typeof notificationTypes)[number];

export interface NewNotification {
  /** The people concerned. Whoever caused it is left out, if among them. */
  readonly userIds: readonly string[];
  readonly type: NotificationType;
  readonly organizationId: string | null;
  /** Without secrets. Ids are UUIDs under a name that ends in their kind, as in the audit log. */
  readonly data: Record<string, string | number | boolean | null>;
}

/** Tells people in the app, in the transaction of the change that caused it. */
export async function notify(ctx: Ctx, { userIds, type, organizationId, data }: NewNotification): Promise<void> {
  const { actor } = ctx;
  const causedBy = actor.kind === 'user' ? actor.userId : null;
  const createdAt = ctx.now();
  const told = [...new Set(userIds)].filter((userId) => userId !== causedBy);
  await ctx.db.notification.createMany({
    data: told.map((userId) => ({ id: newId(), userId, type, organizationId, data, createdAt })),
  });
}
