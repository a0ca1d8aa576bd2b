import { builder } from '../../graphql/builder.ts';
import { visibleUsers } from '../members/members.access.ts';
import { User } from '../members/members.schema.ts';
import { Role } from '../members/role.schema.ts';
import { statusOf, visibleInvitations } from './invitations.service.ts';

export const InvitationStatus = builder.enumType('InvitationStatus', {
  description: 'What became of an invitation.',
  values: {
    PENDING: { description: 'Open.' },
    ACCEPTED: { description: 'The person joined.' },
    REVOKED: { description: 'Taken back by an admin.' },
    EXPIRED: { description: 'Not answered in time.' },
    DECLINED: { description: 'The person said no.' },
  },
});

export const Invitation = builder.prismaNode('Invitation', {
  description: 'An address asked to join. Seen by the organization’s admins and by the person invited.',
  id: { field: 'id' },
  nullable: true,
  findUnique: (id, ctx) => ({ id, AND: visibleInvitations(ctx) }),
  select: { id: true, invitedById: true },
  fields: (t) => ({
    organization: t.relation('organization', { description: 'Where to.' }),
    email: t.exposeString('email', { description: 'Who is asked.' }),
    role: t.expose('role', { description: 'As what.', type: Role }),
    status: t.field({
      description: 'Whether it is still open.',
      type: InvitationStatus,
      select: { status: true, expiresAt: true },
      resolve: (invitation, _args, ctx) => statusOf(ctx, invitation),
    }),
    invitedBy: t.loadable({
      description: 'Who asked; null when they are gone, or when the caller may not see their profile.',
      type: User,
      nullable: true,
      load: async (ids: string[], { db, actor }) => {
        const users = await db.user.findMany({ where: { AND: [{ id: { in: ids } }, visibleUsers(actor)] } });
        const byId = new Map(users.map((user) => [user.id, user]));
        return ids.map((id) => byId.get(id) ?? null);
      },
      resolve: ({ invitedById }) => invitedById,
    }),
    createdAt: t.expose('createdAt', { description: 'When it was sent.', type: 'DateTime' }),
    expiresAt: t.expose('expiresAt', { description: 'Until when it is open.', type: 'DateTime' }),
  }),
});
