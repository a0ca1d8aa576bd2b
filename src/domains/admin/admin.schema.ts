import { queryFromInfo } from '@pothos/plugin-prisma';
import { ValidationFailed } from '../../errors.ts';
import { builder } from '../../graphql/builder.ts';
import { IdInput } from '../../graphql/id-input.ts';
import { idOf } from '../../graphql/ids.ts';
import { connectionType, paginate } from '../../graphql/pagination.ts';
import { User } from '../members/members.schema.ts';
import { Organization } from '../organizations/organizations.schema.ts';
import { allOrganizations, allUsers } from './admin.service.ts';
import { lockUser, unlockUser } from './user-lock.service.ts';

const UserConnection = connectionType('User', User);
const OrganizationConnection = connectionType('Organization', Organization);

export const Admin = builder.objectRef<object>('Admin').implement({
  description: 'The whole installation, for superusers with a second factor.',
  fields: (t) => ({
    users: t.field({
      description: 'Everyone, oldest account first.',
      type: UserConnection,
      args: {
        ...t.arg.connectionArgs(),
        search: t.arg.string({ description: 'Only those whose name or address contains this.' }),
      },
      resolve: (_admin, args, ctx, info) => {
        const query = queryFromInfo({ context: ctx, info, typeName: 'User', path: ['edges', 'node'] });
        return paginate(ctx, args, allUsers(ctx, args, query));
      },
    }),
    organizations: t.field({
      description: 'Every organization, oldest first.',
      type: OrganizationConnection,
      args: {
        ...t.arg.connectionArgs(),
        search: t.arg.string({ description: 'Only those whose name or slug contains this.' }),
      },
      resolve: (_admin, args, ctx, info) => {
        const query = queryFromInfo({ context: ctx, info, typeName: 'Organization', path: ['edges', 'node'] });
        return paginate(ctx, args, allOrganizations(ctx, args, query));
      },
    }),
  }),
});

builder.queryField('admin', (t) =>
  t.field({
    description: 'For superusers with a second factor. A refusal takes no more than this field.',
    type: Admin,
    nullable: true,
    authScopes: { superuser: true, mfaSatisfied: true },
    resolve: () => ({}),
  }),
);

const UserLockChanged = builder.objectRef<{ id: string; lockedAt: Date | null }>('UserLockChanged').implement({
  description: 'Whether the person is locked out now.',
  fields: (t) => ({
    user: t.prismaField({
      description: 'Who.',
      type: User,
      resolve: (query, { id }, _args, { db }) => db.user.findUniqueOrThrow({ ...query, where: { id } }),
    }),
    lockedAt: t.expose('lockedAt', { description: 'Since when; null when not.', type: 'DateTime', nullable: true }),
  }),
});

const UserLockResult = builder.errorUnion('UserLockResult', {
  description: 'What became of a lock.',
  types: [UserLockChanged, ValidationFailed],
  resolveType: () => 'UserLockChanged',
});

const superuserScopes = { superuser: true, mfaSatisfied: true, reauthenticated: true };

builder.mutationField('lockUser', (t) =>
  t.field({
    description: 'Ends the person’s sessions and keys at once; they can neither sign in nor refresh. Superusers.',
    type: UserLockResult,
    authScopes: superuserScopes,
    args: { input: t.arg({ type: IdInput, required: true, description: 'Whom, usr_….' }) },
    resolve: (_root, { input }, ctx) => lockUser(ctx, { userId: idOf('User', input.id) }),
  }),
);

builder.mutationField('unlockUser', (t) =>
  t.field({
    description: 'Lets a person in again. Superusers.',
    type: UserLockResult,
    authScopes: superuserScopes,
    args: { input: t.arg({ type: IdInput, required: true, description: 'Whom, usr_….' }) },
    resolve: (_root, { input }, ctx) => unlockUser(ctx, { userId: idOf('User', input.id) }),
  }),
);
