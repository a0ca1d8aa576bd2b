import { queryFromInfo } from '@pothos/plugin-prisma';
import { ValidationFailed } from '../../errors.ts';
import { builder } from '../../graphql/builder.ts';
import { IdInput } from '../../graphql/id-input.ts';
import { idOf } from '../../graphql/ids.ts';
import { paginate } from '../../graphql/pagination.ts';
import { Organization } from '../organizations/organizations.schema.ts';
import { File, FileConnection } from './file.schema.ts';
import { filesOf, organizationIdOfFile } from './file-list.service.ts';
import { purgeFile, renameFile, restoreFile, trashFile } from './files.service.ts';

const FileOrderField = builder.enumType('FileOrderField', {
  description: 'What files are ordered by; those that are equal in it by their ids.',
  values: {
    CREATED_AT: { description: 'When they were uploaded.' },
    NAME: { description: 'Their names, as the database sorts text.' },
    SIZE: { description: 'Their bytes.' },
  },
});

const OrderDirection = builder.enumType('OrderDirection', {
  description: 'Which end comes first.',
  values: { ASC: { description: 'The smallest.' }, DESC: { description: 'The largest.' } },
});

const FileOrder = builder.inputType('FileOrder', {
  description: 'How to order files.',
  fields: (t) => ({
    field: t.field({ type: FileOrderField, required: true, description: 'By what.' }),
    direction: t.field({ type: OrderDirection, required: true, description: 'Which way.' }),
  }),
});

builder.prismaObjectField(Organization, 'files', (t) =>
  t.field({
    description: 'The files of the organization, newest first unless `orderBy` says otherwise. Members.',
    type: FileConnection,
    authScopes: ({ id }) => ({ memberOrSuperuser: id }),
    args: {
      ...t.arg.connectionArgs(),
      trashed: t.arg.boolean({ defaultValue: false, description: 'Those in the trash instead of those that are not.' }),
      search: t.arg.string({ description: 'Only those whose name contains this.' }),
      orderBy: t.arg({ type: FileOrder, description: 'A cursor is good for the order that it was made in.' }),
    },
    resolve: ({ id: organizationId }, { trashed, ...args }, ctx, info) => {
      const query = queryFromInfo({ context: ctx, info, typeName: 'File', path: ['edges', 'node'] });
      return paginate(ctx, args, filesOf(ctx, { ...args, organizationId, trashed: trashed ?? false }, query));
    },
  }),
);

const holding = (name: string, description: string) =>
  builder.objectRef<{ fileId: string }>(name).implement({
    description,
    fields: (t) => ({
      file: t.prismaField({
        description: 'As it is now.',
        type: File,
        resolve: (query, { fileId: id }, _args, { db }) => db.file.findUniqueOrThrow({ ...query, where: { id } }),
      }),
    }),
  });

const FileRenamed = holding('FileRenamed', 'It has the name.');
const FileTrashed = holding('FileTrashed', 'It is in the trash.');
const FileRestored = holding('FileRestored', 'It is out of the trash.');

const RenameFileInput = builder.inputType('RenameFileInput', {
  description: 'A new name.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'fil_…' }),
    name: t.string({ required: true, description: 'At most 255 characters. Its ending must fit what is in the file.' }),
  }),
});

builder.mutationField('renameFile', (t) =>
  t.field({
    description: 'Gives a file another name. Members.',
    type: builder.errorUnion('RenameFileResult', {
      description: 'What became of renaming.',
      types: [FileRenamed, ValidationFailed],
      resolveType: () => 'FileRenamed',
    }),
    authScopes: async (_root, { input }, ctx) => ({ member: await organizationIdOfFile(ctx, idOf('File', input.id)) }),
    args: { input: t.arg({ type: RenameFileInput, required: true, description: 'The change.' }) },
    resolve: (_root, { input }, ctx) => renameFile(ctx, { fileId: idOf('File', input.id), name: input.name }),
  }),
);

builder.mutationField('trashFile', (t) =>
  t.field({
    description: 'Moves a file to the trash, where it still counts. Its links end at once. Members.',
    type: builder.errorUnion('TrashFileResult', {
      description: 'What became of trashing.',
      types: [FileTrashed, ValidationFailed],
      resolveType: () => 'FileTrashed',
    }),
    authScopes: async (_root, { input }, ctx) => ({ member: await organizationIdOfFile(ctx, idOf('File', input.id)) }),
    args: { input: t.arg({ type: IdInput, required: true, description: 'Which one, fil_….' }) },
    resolve: (_root, { input }, ctx) => trashFile(ctx, { fileId: idOf('File', input.id) }),
  }),
);

builder.mutationField('restoreFile', (t) =>
  t.field({
    description: 'Takes a file out of the trash. Members.',
    type: builder.errorUnion('RestoreFileResult', {
      description: 'What became of restoring.',
      types: [FileRestored, ValidationFailed],
      resolveType: () => 'FileRestored',
    }),
    authScopes: async (_root, { input }, ctx) => ({ member: await organizationIdOfFile(ctx, idOf('File', input.id)) }),
    args: { input: t.arg({ type: IdInput, required: true, description: 'Which one, fil_….' }) },
    resolve: (_root, { input }, ctx) => restoreFile(ctx, { fileId: idOf('File', input.id) }),
  }),
);

const FilePurged = builder.objectRef<{ fileId: string }>('FilePurged').implement({
  description: 'It is gone for good, and its bytes are free.',
  fields: (t) => ({
    fileId: t.globalID({ description: 'Which one it was.', resolve: ({ fileId: id }) => ({ type: 'File', id }) }),
  }),
});

builder.mutationField('purgeFile', (t) =>
  t.field({
    description: 'Deletes a file for good, in the trash or not. Admins.',
    type: builder.errorUnion('PurgeFileResult', {
      description: 'What became of purging.',
      types: [FilePurged, ValidationFailed],
      resolveType: () => 'FilePurged',
    }),
    authScopes: async (_root, { input }, ctx) => ({
      orgAdmin: await organizationIdOfFile(ctx, idOf('File', input.id)),
    }),
    args: { input: t.arg({ type: IdInput, required: true, description: 'Which one, fil_….' }) },
    resolve: (_root, { input }, ctx) => purgeFile(ctx, { fileId: idOf('File', input.id) }),
  }),
);
