import { queryFromInfo } from '@pothos/plugin-prisma';
import { ValidationFailed } from '../../errors.ts';
import { builder } from '../../graphql/builder.ts';
import { IdInput } from '../../graphql/id-input.ts';
import { idOf } from '../../graphql/ids.ts';
import { connectionType, paginate } from '../../graphql/pagination.ts';
import { publicMetadata } from '../../graphql/public-ids.ts';
import { nilId } from '../../platform/typeid.ts';
import { Viewer } from '../accounts/viewer.schema.ts';
import { signedInActor, visibleOrganizations } from '../members/members.access.ts';
import { Organization } from '../organizations/organizations.schema.ts';
import { markAllRead, markRead, notificationsOf, textFor, unreadCountOf } from './notifications.service.ts';

export const Notification = builder.prismaNode('Notification', {
  description: 'Something that one person was told of in the app. Nobody else sees it.',
  id: { field: 'id' },
  nullable: true,
  findUnique: (id, { actor }) => ({ id, userId: actor.kind === 'user' ? actor.userId : nilId }),
  select: { id: true, type: true, data: true },
  fields: (t) => ({
    type: t.exposeString('type', { description: '`noun.whatHappened`, for programs. More may come.' }),
    title: t.string({
      description: 'One line for people, in English.',
      resolve: (notification) => textFor(notification).title,
    }),
    body: t.string({
      description: 'A sentence or two more, in English; may be empty.',
      resolve: (notification) => textFor(notification).body,
    }),
    data: t.field({
      type: 'JSON',
      description: 'What it is about, by type. Ids are TypeIDs.',
      resolve: ({ data }) => publicMetadata(data),
    }),
    organization: t.prismaField({
      type: Organization,
      nullable: true,
      description: 'Where it happened; null for what belongs to none, and unless the person is a member there now.',
      select: { organizationId: true },
      resolve: (query, { organizationId }, _args, { db, actor }) =>
        organizationId === null
          ? null
          : db.organization.findUnique({ ...query, where: { id: organizationId, AND: visibleOrganizations(actor) } }),
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was written.' }),
    readAt: t.expose('readAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was marked read, on whichever device; null while it is unread.',
    }),
  }),
});

const NotificationConnection = connectionType('Notification', Notification);

builder.objectField(NotificationConnection, 'unreadCount', (t) =>
  t.int({
    description: 'How many of all the person’s notifications are unread.',
    resolve: (_page, _args, ctx) => unreadCountOf(ctx, signedInActor(ctx)),
  }),
);

builder.prismaObjectFields(Viewer, (t) => ({
  notifications: t.field({
    description: 'What the person was told, newest first.',
    type: NotificationConnection,
    args: {
      ...t.arg.connectionArgs(),
      unreadOnly: t.arg.boolean({ defaultValue: false, description: 'Only those that are not marked read.' }),
    },
    resolve: ({ id: userId }, { unreadOnly, ...page }, ctx, info) => {
      const query = queryFromInfo({ context: ctx, info, typeName: 'Notification', path: ['edges', 'node'] });
      return paginate(ctx, page, notificationsOf(ctx, { userId, unreadOnly: unreadOnly ?? false }, query));
    },
  }),
  unreadNotificationCount: t.int({
    description: 'How many notifications are unread.',
    resolve: ({ id: userId }, _args, ctx) => unreadCountOf(ctx, { userId }),
  }),
}));

const NotificationsRead = builder.objectRef<{ userId: string }>('NotificationsRead').implement({
  description: 'They are marked, on all devices.',
  fields: (t) => ({
    unreadCount: t.int({
      description: 'How many are still unread.',
      resolve: ({ userId }, _args, ctx) => unreadCountOf(ctx, { userId }),
    }),
  }),
});

const MarkNotificationsReadResult = builder.errorUnion('MarkNotificationsReadResult', {
  description: 'What became of marking.',
  types: [NotificationsRead, ValidationFailed],
  resolveType: () => 'NotificationsRead',
});

builder.mutationField('markNotificationRead', (t) =>
  t.field({
    description: 'Marks one of the caller’s own as read. May be repeated.',
    type: MarkNotificationsReadResult,
    authScopes: { signedIn: true },
    args: { input: t.arg({ type: IdInput, required: true, description: 'Which one, ntf_….' }) },
    resolve: (_root, { input }, ctx) => markRead(ctx, { notificationId: idOf('Notification', input.id) }),
  }),
);

const MarkAllNotificationsReadInput = builder.inputType('MarkAllNotificationsReadInput', {
  description: 'How many to mark.',
  fields: (t) => ({ before: t.field({ type: 'DateTime', description: 'Only those up to this moment.' }) }),
});

builder.mutationField('markAllNotificationsRead', (t) =>
  t.field({
    description: 'Marks all of the caller’s own as read, those up to a moment. May be repeated.',
    type: MarkNotificationsReadResult,
    authScopes: { signedIn: true },
    args: { input: t.arg({ type: MarkAllNotificationsReadInput, description: 'Up to when; now if not given.' }) },
    resolve: (_root, { input }, ctx) => markAllRead(ctx, { before: input?.before ?? null }),
  }),
);
