import { Conflict, ValidationFailed } from '../../errors.ts';
import { builder } from '../../graphql/builder.ts';
import { IdInput } from '../../graphql/id-input.ts';
import { idOf } from '../../graphql/ids.ts';
import { createOrganization, deleteOrganization, updateOrganization } from './changes.service.ts';
import { Organization } from './organizations.schema.ts';

const holding = (name: string, description: string) =>
  builder.objectRef<{ id: string }>(name).implement({
    description,
    fields: (t) => ({
      organization: t.prismaField({
        description: 'As it is now.',
        type: Organization,
        resolve: (query, { id }, _args, { db }) => db.organization.findUniqueOrThrow({ ...query, where: { id } }),
      }),
    }),
  });

const OrganizationCreated = holding('OrganizationCreated', 'It is there, and the caller owns it.');
const OrganizationUpdated = holding('OrganizationUpdated', 'It has changed.');

const CreateOrganizationInput = builder.inputType('CreateOrganizationInput', {
  description: 'A further organization.',
  fields: (t) => ({
    name: t.string({ required: true, description: 'What it is called, at most 100 characters.' }),
    slug: t.string({ description: 'Its name in URLs; made of the name when left out.' }),
  }),
});

builder.mutationField('createOrganization', (t) =>
  t.field({
    description: 'Founds an organization with the caller as its owner.',
    type: builder.errorUnion('CreateOrganizationResult', {
      description: 'What became of a founding.',
      types: [OrganizationCreated, ValidationFailed, Conflict],
      resolveType: () => 'OrganizationCreated',
    }),
    authScopes: { signedIn: true },
    args: { input: t.arg({ type: CreateOrganizationInput, required: true, description: 'The form.' }) },
    resolve: (_root, { input }, ctx) => createOrganization(ctx, input),
  }),
);

const UpdateOrganizationInput = builder.inputType('UpdateOrganizationInput', {
  description: 'What to change; what is left out stays.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'org_…' }),
    name: t.string({ description: 'What it is called.' }),
    slug: t.string({ description: 'Its name in URLs.' }),
    requiresMfa: t.boolean({ description: 'Whether members need a second factor. The caller must have passed one.' }),
  }),
});

builder.mutationField('updateOrganization', (t) =>
  t.field({
    description: 'Changes an organization. Admins.',
    type: builder.errorUnion('UpdateOrganizationResult', {
      description: 'What became of a change.',
      types: [OrganizationUpdated, ValidationFailed, Conflict],
      resolveType: () => 'OrganizationUpdated',
    }),
    authScopes: (_root, { input }) => ({ orgAdmin: idOf('Organization', input.id) }),
    args: { input: t.arg({ type: UpdateOrganizationInput, required: true, description: 'The change.' }) },
    resolve: (_root, { input: { id, ...change } }, ctx) =>
      updateOrganization(ctx, { ...change, organizationId: idOf('Organization', id) }),
  }),
);

const OrganizationDeleted = builder.objectRef<{ organizationId: string }>('OrganizationDeleted').implement({
  description: 'It is gone, with all that was its own.',
  fields: (t) => ({
    organizationId: t.globalID({
      description: 'Which one it was.',
      resolve: ({ organizationId }) => ({ type: 'Organization', id: organizationId }),
    }),
  }),
});

builder.mutationField('deleteOrganization', (t) =>
  t.field({
    description: 'Ends an organization for good. Owners, reauthenticated.',
    type: builder.errorUnion('DeleteOrganizationResult', {
      description: 'What became of a deletion.',
      types: [OrganizationDeleted, ValidationFailed],
      resolveType: () => 'OrganizationDeleted',
    }),
    authScopes: (_root, { input }) => ({ orgOwner: idOf('Organization', input.id), reauthenticated: true }),
    args: { input: t.arg({ type: IdInput, required: true, description: 'Which one, org_….' }) },
    resolve: (_root, { input }, ctx) => deleteOrganization(ctx, { organizationId: idOf('Organization', input.id) }),
  }),
);
