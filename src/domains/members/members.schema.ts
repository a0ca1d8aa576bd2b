import { queryFromInfo } from '@pothos/plugin-prisma';
import { builder } from '../../graphql/builder.ts';
import { idOf } from '../../graphql/ids.ts';
import { connectionType, paginate } from '../../graphql/pagination.ts';
import { Organization } from '../organizations/organizations.schema.ts';
import { roleIn, visibleMemberships, visibleUsers } from './members.access.ts';
import { membersOf } from './members.service.ts';
import { Role } from './role.schema.ts';

export const User = builder.prismaNode('User', {
  description: 'A person, as those who share an organization with them see them.',
  id: { field: 'id' },
  nullable: true,
  findUnique: (id, { actor }) => ({ id, AND: visibleUsers(actor) }),
  select: { id: true },
  fields: (t) => ({
    name: t.exposeString('name', { description: 'What the person is called.' }),
    email: t.exposeString('email', { description: 'Only to those who may see it.', nullable: true }),
    createdAt: t.expose('createdAt', { description: 'When the account was made.', type: 'DateTime' }),
  }),
});

export const Membership = builder.prismaNode('Membership', {
  description: 'A person’s seat in an organization.',
  id: { field: 'id' },
  nullable: true,
  findUnique: (id, { actor }) => ({ id, AND: visibleMemberships(actor) }),
  select: { id: true, organizationId: true },
  fields: (t) => ({
    user: t.relation('user', { description: 'Who sits in it.' }),
    organization: t.relation('organization', { description: 'Where it stands.' }),
    role: t.expose('role', { description: 'What the person may do there.', type: Role }),
    joinedAt: t.expose('joinedAt', { description: 'Since when.', type: 'DateTime' }),
    hasSecondFactor: t.boolean({
      description:
        'Whether the person has enrolled a second factor: who has none is kept out once the organization wants one. Admins.',
      nullable: true,
      authScopes: ({ organizationId }) => ({ adminOrSuperuser: organizationId }),
      select: { organizationId: true, user: { select: { totpFactor: { select: { userId: true } } } } },
      resolve: ({ user }) => user.totpFactor !== null,
    }),
  }),
});

export const MembershipConnection = connectionType('Membership', Membership);

builder.prismaObjectField(Organization, 'members', (t) =>
  t.field({
    description: 'The people of the organization, longest membership first. Members.',
    type: MembershipConnection,
    authScopes: ({ id }) => ({ memberOrSuperuser: id }),
    args: {
      ...t.arg.connectionArgs(),
      search: t.arg.string({ description: 'Only those whose name or address contains this.' }),
      role: t.arg({ type: Role, description: 'Only those with exactly this role.' }),
    },
    resolve: ({ id: organizationId }, args, ctx, info) => {
      const query = queryFromInfo({ context: ctx, info, typeName: 'Membership', path: ['edges', 'node'] });
      return paginate(ctx, args, membersOf(ctx, { ...args, organizationId }, query));
    },
  }),
);

builder.prismaObjectField(Organization, 'viewerRole', (t) =>
  t.field({
    description: 'The caller’s role in it; null for a superuser who is no member.',
    type: Role,
    nullable: true,
    resolve: ({ id }, _args, ctx) => roleIn(ctx, id),
  }),
);

builder.queryField('user', (t) =>
  t.prismaField({
    description: 'Null unless it is the caller, shares an organization with the caller, or the caller is a superuser.',
    type: User,
    nullable: true,
    authScopes: { public: true },
    args: { id: t.arg.id({ required: true, description: 'usr_…' }) },
    resolve: (query, _root, { id }, { db, actor }) =>
      db.user.findUnique({ ...query, where: { id: idOf('User', id), AND: visibleUsers(actor) } }),
  }),
);
