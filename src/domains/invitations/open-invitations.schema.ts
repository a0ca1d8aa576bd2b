import { queryFromInfo } from '@pothos/plugin-prisma';
import { Conflict, InvalidToken } from '../../errors.ts';
import { builder } from '../../graphql/builder.ts';
import { IdInput } from '../../graphql/id-input.ts';
import { idOf } from '../../graphql/ids.ts';
import { connectionType, paginate } from '../../graphql/pagination.ts';
import { Organization } from '../organizations/organizations.schema.ts';
import { Invitation, InvitationStatus } from './invitation.schema.ts';
import { AcceptInvitationInput, InviteMemberResult } from './invitations.schema.ts';
import {
  declineInvitation,
  invitationsOf,
  organizationOfInvitation,
  resendInvitation,
  revokeInvitation,
} from './open-invitations.service.ts';

const InvitationConnection = connectionType('Invitation', Invitation);

builder.prismaObjectField(Organization, 'invitations', (t) =>
  t.field({
    description: 'Whom the organization has invited, oldest first. Admins.',
    type: InvitationConnection,
    nullable: true,
    authScopes: ({ id }) => ({ adminOrSuperuser: id }),
    args: {
      ...t.arg.connectionArgs(),
      status: t.arg({ type: InvitationStatus, description: 'Only those that stand so now.' }),
    },
    resolve: ({ id: organizationId }, args, ctx, info) => {
      const query = queryFromInfo({ context: ctx, info, typeName: 'Invitation', path: ['edges', 'node'] });
      return paginate(ctx, args, invitationsOf(ctx, { organizationId, status: args.status ?? null }, query));
    },
  }),
);

builder.mutationField('resendInvitation', (t) =>
  t.field({
    description: 'Mails an open invitation again; the link mailed before is void at once. Admins.',
    type: InviteMemberResult,
    authScopes: async (_root, { input }, ctx) => ({
      orgAdmin: await organizationOfInvitation(ctx, idOf('Invitation', input.id)),
    }),
    args: { input: t.arg({ type: IdInput, required: true, description: 'Which one, inv_….' }) },
    resolve: (_root, { input }, ctx) => resendInvitation(ctx, { invitationId: idOf('Invitation', input.id) }),
  }),
);

const InvitationRevoked = builder.objectRef<{ id: string }>('InvitationRevoked').implement({
  description: 'The link leads nowhere any more.',
  fields: (t) => ({
    invitation: t.prismaField({
      description: 'What was taken back.',
      type: Invitation,
      resolve: (query, { id }, _args, { db }) => db.invitation.findUniqueOrThrow({ ...query, where: { id } }),
    }),
  }),
});

builder.mutationField('revokeInvitation', (t) =>
  t.field({
    description: 'Takes an open invitation back. Admins.',
    type: builder.errorUnion('RevokeInvitationResult', {
      description: 'What became of it.',
      types: [InvitationRevoked, Conflict],
      resolveType: () => 'InvitationRevoked',
    }),
    authScopes: async (_root, { input }, ctx) => ({
      orgAdmin: await organizationOfInvitation(ctx, idOf('Invitation', input.id)),
    }),
    args: { input: t.arg({ type: IdInput, required: true, description: 'Which one, inv_….' }) },
    resolve: (_root, { input }, ctx) => revokeInvitation(ctx, { invitationId: idOf('Invitation', input.id) }),
  }),
);

const InvitationDeclined = builder.objectRef<{ invitationId: string }>('InvitationDeclined').implement({
  description: 'The answer was no.',
  fields: (t) => ({
    invitationId: t.globalID({
      description: 'Which one it was.',
      resolve: ({ invitationId }) => ({ type: 'Invitation', id: invitationId }),
    }),
  }),
});

builder.mutationField('declineInvitation', (t) =>
  t.field({
    description: 'Says no to an invitation to the caller’s own address.',
    type: builder.errorUnion('DeclineInvitationResult', {
      description: 'What became of the answer.',
      types: [InvitationDeclined, InvalidToken],
      resolveType: () => 'InvitationDeclined',
    }),
    authScopes: { signedIn: true },
    args: { input: t.arg({ type: AcceptInvitationInput, required: true, description: 'Which one.' }) },
    resolve: (_root, { input }, ctx) =>
      declineInvitation(ctx, {
        token: input.token ?? null,
        invitationId: input.invitationId == null ? null : idOf('Invitation', input.invitationId),
      }),
  }),
);
