import { Conflict, InvalidToken, QuotaExceeded, ValidationFailed } from '../../errors.ts';
import { builder } from '../../graphql/builder.ts';
import { idOf } from '../../graphql/ids.ts';
import { Membership } from '../members/members.schema.ts';
import { Role } from '../members/role.schema.ts';
import { acceptInvitation, type InvitationPreview as Preview, previewInvitation } from './acceptance.service.ts';
import { Invitation } from './invitation.schema.ts';
import { inviteMember } from './invitations.service.ts';

const InvitationPreview = builder.objectRef<Preview>('InvitationPreview').implement({
  description: 'What an invited person sees before signing in.',
  fields: (t) => ({
    organizationName: t.exposeString('organizationName', { description: 'Where to.' }),
    inviterName: t.exposeString('inviterName', { description: 'Who asks.', nullable: true }),
    maskedEmail: t.exposeString('maskedEmail', { description: 'First letter and domain of the invited address.' }),
    role: t.expose('role', { description: 'As what.', type: Role }),
    expiresAt: t.expose('expiresAt', { description: 'Until when it is open.', type: 'DateTime' }),
  }),
});

builder.queryField('invitation', (t) =>
  t.field({
    description:
      'What an invited person sees before signing in: the organization’s name, the inviter’s name, a masked address. Null for a token that is not good.',
    type: InvitationPreview,
    nullable: true,
    authScopes: { public: true },
    args: { token: t.arg.string({ required: true, description: '`token` of the mailed link.' }) },
    resolve: (_root, args, ctx) => previewInvitation(ctx, args),
  }),
);

const InviteMemberInput = builder.inputType('InviteMemberInput', {
  description: 'Whom to ask, and as what.',
  fields: (t) => ({
    organizationId: t.id({ required: true, description: 'org_…' }),
    email: t.string({ required: true, description: 'Where the invitation is mailed to.' }),
    role: t.field({
      type: Role,
      required: true,
      defaultValue: 'MEMBER',
      description: 'Never above the caller’s own.',
    }),
  }),
});

const InvitationSent = builder.objectRef<{ id: string }>('InvitationSent').implement({
  description: 'The mail is on its way.',
  fields: (t) => ({
    invitation: t.prismaField({
      description: 'What was sent.',
      type: Invitation,
      resolve: (query, { id }, _args, { db }) => db.invitation.findUniqueOrThrow({ ...query, where: { id } }),
    }),
  }),
});

export const InviteMemberResult = builder.errorUnion('InviteMemberResult', {
  description: 'What became of an invitation.',
  types: [InvitationSent, ValidationFailed, Conflict, QuotaExceeded],
  resolveType: () => 'InvitationSent',
});

builder.mutationField('inviteMember', (t) =>
  t.field({
    description: 'Asks an address to join, by mail. Open for seven days. Admins; owners to invite owners.',
    type: InviteMemberResult,
    authScopes: (_root, { input }) => ({ orgAdmin: idOf('Organization', input.organizationId) }),
    args: { input: t.arg({ type: InviteMemberInput, required: true, description: 'The form.' }) },
    resolve: (_root, { input }, ctx) =>
      inviteMember(ctx, { ...input, organizationId: idOf('Organization', input.organizationId) }),
  }),
);

export const AcceptInvitationInput = builder.inputType('AcceptInvitationInput', {
  description: 'One of the two: the token of the e-mail, or the id of one of `viewer.invitations`.',
  fields: (t) => ({
    token: t.string({ description: '`token` of the mailed link.' }),
    invitationId: t.id({ description: 'inv_…' }),
  }),
});

const InvitationAccepted = builder.objectRef<{ id: string }>('InvitationAccepted').implement({
  description: 'The caller is a member now.',
  fields: (t) => ({
    membership: t.prismaField({
      description: 'The new seat.',
      type: Membership,
      resolve: (query, { id }, _args, { db }) => db.membership.findUniqueOrThrow({ ...query, where: { id } }),
    }),
  }),
});

builder.mutationField('acceptInvitation', (t) =>
  t.field({
    description: 'Makes the caller a member, if the invitation is for their own address. Works once.',
    type: builder.errorUnion('AcceptInvitationResult', {
      description: 'What became of an acceptance.',
      types: [InvitationAccepted, InvalidToken, QuotaExceeded],
      resolveType: () => 'InvitationAccepted',
    }),
    authScopes: { signedIn: true },
    args: { input: t.arg({ type: AcceptInvitationInput, required: true, description: 'Which one.' }) },
    resolve: (_root, { input }, ctx) =>
      acceptInvitation(ctx, {
        token: input.token ?? null,
        invitationId: input.invitationId == null ? null : idOf('Invitation', input.invitationId),
      }),
  }),
);
