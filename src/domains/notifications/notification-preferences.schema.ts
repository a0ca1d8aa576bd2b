import { ValidationFailed } from '../../errors.ts';
import { builder } from '../../graphql/builder.ts';
import { Viewer } from '../accounts/viewer.schema.ts';
import {
  notificationPreferencesOf,
  type NotificationPreference as Preference,
  updateNotificationPreference,
} from './notification-preferences.service.ts';

const NotificationChannel = builder.enumType('NotificationChannel', {
  description: 'A way to be told of something.',
  values: {
    IN_APP: { description: 'In the list of notifications. On unless switched off.' },
    EMAIL: { description: 'By mail. Off unless switched on.' },
  },
});

const NotificationPreference = builder.objectRef<Preference>('NotificationPreference').implement({
  description: 'Whether the person is told of one type of thing by one channel.',
  fields: (t) => ({
    type: t.exposeString('type', { description: '`noun.whatHappened`, as in `Notification.type`.' }),
    channel: t.expose('channel', { type: NotificationChannel, description: 'The way.' }),
    isEnabled: t.exposeBoolean('isEnabled', { description: 'Whether they are told.' }),
    isLocked: t.exposeBoolean('isLocked', {
      description: 'True for what cannot be switched off: it may be the doing of somebody else.',
    }),
  }),
});

builder.prismaObjectField(Viewer, 'notificationPreferences', (t) =>
  t.field({
    type: [NotificationPreference],
    description: 'What the person is told of, by which channel: every type by every channel.',
    resolve: ({ id: userId }, _args, ctx) => notificationPreferencesOf(ctx, { userId }),
  }),
);

const UpdateNotificationPreferenceInput = builder.inputType('UpdateNotificationPreferenceInput', {
  description: 'One type by one channel.',
  fields: (t) => ({
    type: t.string({ required: true, description: 'As in `NotificationPreference.type`.' }),
    channel: t.field({ type: NotificationChannel, required: true, description: 'The way.' }),
    isEnabled: t.boolean({ required: true, description: 'Whether to be told from now on.' }),
  }),
});

const NotificationPreferenceUpdated = builder.objectRef<Preference>('NotificationPreferenceUpdated').implement({
  description: 'It counts from the next notification on.',
  fields: (t) => ({
    notificationPreference: t.field({
      type: NotificationPreference,
      description: 'As it is now.',
      resolve: (preference) => preference,
    }),
  }),
});

const UpdateNotificationPreferenceResult = builder.errorUnion('UpdateNotificationPreferenceResult', {
  description: 'What became of a preference.',
  types: [NotificationPreferenceUpdated, ValidationFailed],
  resolveType: () => 'NotificationPreferenceUpdated',
});

builder.mutationField('updateNotificationPreference', (t) =>
  t.field({
    description: 'Switches one type of notification on or off for the caller, by one channel. May be repeated.',
    type: UpdateNotificationPreferenceResult,
    authScopes: { signedIn: true },
    args: {
      input: t.arg({ type: UpdateNotificationPreferenceInput, required: true, description: 'Which one, and how.' }),
    },
    resolve: (_root, { input }, ctx) => updateNotificationPreference(ctx, input),
  }),
);
