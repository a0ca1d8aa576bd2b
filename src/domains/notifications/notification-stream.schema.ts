import type { Notification as Row } from '../../generated/prisma/client.ts';
import { builder } from '../../graphql/builder.ts';
import { readCursor, writeCursor } from '../../graphql/pagination.ts';
import { signedInActor } from '../members/members.access.ts';
import { notificationChanges } from './notification-stream.service.ts';
import { Notification } from './notifications.schema.ts';
import { feedName, unreadCountOf } from './notifications.service.ts';

const NotificationEvent = builder.objectRef<Row>('NotificationEvent').implement({
  description: 'A notification that was made, or marked read.',
  fields: (t) => ({
    cursor: t.string({
      description: 'Where to go on after a break: the `after` of the next subscription.',
      resolve: ({ userId, changePosition }, _args, ctx) => writeCursor(ctx, feedName(userId), String(changePosition)),
    }),
    notification: t.field({ type: Notification, description: 'As it was made or marked.', resolve: (event) => event }),
    unreadCount: t.int({
      description: 'How many are unread now.',
      resolve: ({ userId }, _args, ctx) => unreadCountOf(ctx, { userId }),
    }),
  }),
});

builder.subscriptionField('notifications', (t) =>
  t.field({
    description:
      'New and newly read notifications of the viewer. With `after`, first what came since that cursor, of an event or of `viewer.notifications`, without a gap or a repeat.',
    type: NotificationEvent,
    authScopes: { signedIn: true },
    args: { after: t.arg.string({ description: 'The last cursor that the client has seen.' }) },
    subscribe: (_root, { after }, ctx) => {
      const { userId } = signedInActor(ctx);
      return notificationChanges(ctx, {
        userId,
        after: after == null ? null : BigInt(readCursor(ctx, feedName(userId), after)),
      }) as Promise<AsyncIterable<Row>>;
    },
    resolve: (event) => event as Row,
  }),
);
