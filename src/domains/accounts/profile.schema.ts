import { LastOwner, ValidationFailed } from '../../errors.ts';
import { builder } from '../../graphql/builder.ts';
import { deleteAccountWithCookie } from './deletion.service.ts';
import { updateProfile } from './profile.service.ts';
import { Viewer } from './viewer.schema.ts';

const ProfileUpdated = builder.objectRef<{ userId: string }>('ProfileUpdated').implement({
  description: 'The profile is as asked.',
  fields: (t) => ({
    viewer: t.prismaField({
      description: 'The caller.',
      type: Viewer,
      resolve: (query, { userId }, _args, { db }) => db.user.findUniqueOrThrow({ ...query, where: { id: userId } }),
    }),
  }),
});

const UpdateProfileInput = builder.inputType('UpdateProfileInput', {
  description: 'What is left out stays as it is.',
  fields: (t) => ({ name: t.string({ description: 'What the person is called.' }) }),
});

builder.mutationField('updateProfile', (t) =>
  t.field({
    description: 'Changes what others see of the caller.',
    type: builder.errorUnion('UpdateProfileResult', {
      description: 'What became of updateProfile.',
      types: [ProfileUpdated, ValidationFailed],
      resolveType: () => 'ProfileUpdated',
    }),
    authScopes: { signedIn: true },
    args: { input: t.arg({ type: UpdateProfileInput, required: true, description: 'The new values.' }) },
    resolve: (_root, { input }, ctx) => updateProfile(ctx, input),
  }),
);

const AccountDeleted = builder.objectRef<{ userId: string }>('AccountDeleted').implement({
  description: 'The account is gone, and its sessions with it.',
  fields: (t) => ({
    userId: t.globalID({ description: 'Whose it was.', resolve: ({ userId }) => ({ type: 'User', id: userId }) }),
  }),
});

builder.mutationField('deleteAccount', (t) =>
  t.field({
    description:
      'Deletes the caller’s account. Takes organizations along that have no other member; LastOwner where others would be left without one.',
    type: builder.errorUnion('DeleteAccountResult', {
      description: 'What became of deleteAccount.',
      types: [AccountDeleted, LastOwner],
      resolveType: () => 'AccountDeleted',
    }),
    authScopes: { signedIn: true, reauthenticated: true },
    resolve: (_root, _args, ctx) => deleteAccountWithCookie(ctx),
  }),
);
