import { LastOwner, ValidationFailed } from '../../errors.ts';
import { builder } from '../../graphql/builder.ts';
import { IdInput } from '../../graphql/id-input.ts';
import { idOf } from '../../graphql/ids.ts';
import { Organization } from '../organizations/organizations.schema.ts';
import { Membership } from './members.schema.ts';
import { Role } from './role.schema.ts';
import { changeMemberRole, organizationOfMembership, removeMember, transferOwnership } from './roles.service.ts';

const ChangeMemberRoleInput = builder.inputType('ChangeMemberRoleInput', {
  description: 'Whose role, and which.',
  fields: (t) => ({
    membershipId: t.id({ required: true, description: 'mem_…' }),
    role: t.field({ type: Role, required: true, description: 'The new one.' }),
  }),
});

const MembershipUpdated = builder.objectRef<{ id: string }>('MembershipUpdated').implement({
  description: 'The seat has changed.',
  fields: (t) => ({
    membership: t.prismaField({
      description: 'As it is now.',
      type: Membership,
      resolve: (query, { id }, _args, { db }) => db.membership.findUniqueOrThrow({ ...query, where: { id } }),
    }),
  }),
});

builder.mutationField('changeMemberRole', (t) =>
  t.field({
    description: 'Gives a member another role. Admins; owners where an owner is made or unmade.',
    type: builder.errorUnion('ChangeMemberRoleResult', {
      description: 'What became of a change of role.',
      types: [MembershipUpdated, LastOwner],
      resolveType: () => 'MembershipUpdated',
    }),
    authScopes: async (_root, { input }, ctx) => ({
      orgAdmin: await organizationOfMembership(ctx, idOf('Membership', input.membershipId)),
    }),
    args: { input: t.arg({ type: ChangeMemberRoleInput, required: true, description: 'The change.' }) },
    resolve: (_root, { input }, ctx) =>
      changeMemberRole(ctx, { role: input.role, membershipId: idOf('Membership', input.membershipId) }),
  }),
);

const MemberRemoved = builder.objectRef<{ membershipId: string }>('MemberRemoved').implement({
  description: 'The seat is gone, and with it the person’s keys to the organization.',
  fields: (t) => ({
    membershipId: t.globalID({
      description: 'Which one it was.',
      resolve: ({ membershipId }) => ({ type: 'Membership', id: membershipId }),
    }),
  }),
});

builder.mutationField('removeMember', (t) =>
  t.field({
    description:
      'Takes a member out, from the next request on. Admins; owners where it is an owner; anyone for themselves.',
    type: builder.errorUnion('RemoveMemberResult', {
      description: 'What became of a removal.',
      types: [MemberRemoved, LastOwner],
      resolveType: () => 'MemberRemoved',
    }),
    // A person may leave whatever the organization asks of them; a key has nothing to leave.
    authScopes: async (_root, { input }, ctx) =>
      ctx.actor.kind === 'apiKey'
        ? { orgAdmin: await organizationOfMembership(ctx, idOf('Membership', input.id)) }
        : { signedIn: true },
    args: { input: t.arg({ type: IdInput, required: true, description: 'The seat, mem_….' }) },
    resolve: (_root, { input }, ctx) => removeMember(ctx, { membershipId: idOf('Membership', input.id) }),
  }),
);

const TransferOwnershipInput = builder.inputType('TransferOwnershipInput', {
  description: 'What goes over, and to whom.',
  fields: (t) => ({
    organizationId: t.id({ required: true, description: 'org_…' }),
    toUserId: t.id({ required: true, description: 'usr_… of another member.' }),
  }),
});

const OwnershipTransferred = builder.objectRef<{ organizationId: string }>('OwnershipTransferred').implement({
  description: 'The other one owns it now; the caller is an admin.',
  fields: (t) => ({
    organization: t.prismaField({
      description: 'What went over.',
      type: Organization,
      resolve: (query, { organizationId: id }, _args, { db }) =>
        db.organization.findUniqueOrThrow({ ...query, where: { id } }),
    }),
  }),
});

builder.mutationField('transferOwnership', (t) =>
  t.field({
    description: 'Makes another member the owner and the caller an admin, in one step. Owners, reauthenticated.',
    type: builder.errorUnion('TransferOwnershipResult', {
      description: 'What became of a transfer.',
      types: [OwnershipTransferred, ValidationFailed],
      resolveType: () => 'OwnershipTransferred',
    }),
    authScopes: (_root, { input }) => ({
      orgOwner: idOf('Organization', input.organizationId),
      reauthenticated: true,
    }),
    args: { input: t.arg({ type: TransferOwnershipInput, required: true, description: 'From whom to whom.' }) },
    resolve: (_root, { input }, ctx) =>
      transferOwnership(ctx, {
        organizationId: idOf('Organization', input.organizationId),
        toUserId: idOf('User', input.toUserId),
      }),
  }),
);
