import { QuotaExceeded, ValidationFailed } from '../../errors.ts';
import { builder } from '../../graphql/builder.ts';
import { IdInput } from '../../graphql/id-input.ts';
import { idOf } from '../../graphql/ids.ts';
import './file.schema.ts';
import { uploadUrls } from './links.service.ts';
import { uploadChanges } from './upload-progress.service.ts';
import { requireVisibleUpload, visibleUploads } from './upload-reads.service.ts';
import { abortUpload, createUpload, type OpenedUpload, organizationIdOfUpload } from './uploads.service.ts';

const UploadState = builder.enumType('UploadState', {
  description: 'Where an upload stands. From READY on it does not change.',
  values: {
    PENDING: { description: 'Waits for the first byte.' },
    RECEIVING: { description: 'Bytes come, or with tus may come again.' },
    SCANNING: { description: 'All bytes are there and are looked at.' },
    READY: { description: 'It is a file.' },
    FAILED: { description: 'The bytes were refused, or broke off. Nothing is kept.' },
    ABORTED: { description: 'Somebody ended it. Nothing is kept.' },
    EXPIRED: { description: 'Its time was over. Nothing is kept.' },
    QUARANTINED: { description: 'The virus scan found something. Nothing is kept.' },
  },
});

const Upload = builder.prismaNode('Upload', {
  description:
    'One upload: a place to send bytes to. PUT the bytes to `url` with `Authorization: Upload <token>`, or use tus at `tusUrl`.',
  id: { field: 'id' },
  nullable: true,
  findUnique: (id, { actor }) => ({ id, AND: visibleUploads(actor) }),
  select: { id: true },
  fields: (t) => ({
    state: t.expose('state', { type: UploadState, description: 'Where it stands.' }),
    failure: t.exposeString('failure', {
      description: 'Why it failed, as the code that the sender of the bytes was told; null when it did not.',
      nullable: true,
    }),
    receivedBytes: t.field({
      type: 'BigInt',
      description: 'How many bytes there are, as of about a second ago while they come.',
      select: { receivedBytes: true },
      resolve: ({ receivedBytes }) => Number(receivedBytes),
    }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime', description: 'Until when bytes are taken.' }),
    file: t.relation('file', { description: 'What became of it; null until it is READY.', nullable: true }),
    url: t.string({ description: 'For PUT and HEAD.', resolve: ({ id }, _args, ctx) => uploadUrls(ctx, id).url }),
    tusUrl: t.string({
      description: 'For tus 1.0: as an upload that exists already, or as the endpoint that makes it.',
      resolve: ({ id }, _args, ctx) => uploadUrls(ctx, id).tusUrl,
    }),
  }),
});

const UploadCreated = builder.objectRef<OpenedUpload>('UploadCreated').implement({
  description: 'Bytes are set aside and may come.',
  fields: (t) => ({
    upload: t.prismaField({
      description: 'Where to send them.',
      type: Upload,
      resolve: (query, { uploadId: id }, _args, { db }) => db.upload.findUniqueOrThrow({ ...query, where: { id } }),
    }),
    token: t.exposeString('token', { description: 'What to send them with, good for this upload only.' }),
  }),
});

const CreateUploadInput = builder.inputType('CreateUploadInput', {
  description: 'What is to be uploaded.',
  fields: (t) => ({
    organizationId: t.id({ required: true, description: 'org_… whose file it will be.' }),
    name: t.string({ required: true, description: 'What people will call it, at most 255 characters.' }),
    size: t.field({ type: 'BigInt', description: 'In bytes. Leave out when unknown.' }),
    contentType: t.string({
      description: 'What the client takes it for. Not believed: the type is found in the bytes.',
    }),
    sha256: t.string({ description: 'SHA-256 in hexadecimal. Bytes that do not have it are refused.' }),
    clientKey: t.string({ description: 'The same key gives the same upload again.' }),
  }),
});

builder.mutationField('createUpload', (t) =>
  t.field({
    description: 'Opens an upload and sets its bytes aside. It expires after 24 hours. Members.',
    type: builder.errorUnion('CreateUploadResult', {
      description: 'What became of opening an upload.',
      types: [UploadCreated, ValidationFailed, QuotaExceeded],
      resolveType: () => 'UploadCreated',
    }),
    authScopes: (_root, { input }) => ({ member: idOf('Organization', input.organizationId) }),
    args: { input: t.arg({ type: CreateUploadInput, required: true, description: 'The file.' }) },
    resolve: (_root, { input }, ctx) =>
      createUpload(ctx, { ...input, organizationId: idOf('Organization', input.organizationId) }),
  }),
);

const UploadAborted = builder.objectRef<{ uploadId: string }>('UploadAborted').implement({
  description: 'It takes no more bytes, and has none.',
  fields: (t) => ({
    upload: t.prismaField({
      description: 'As it is now: ABORTED, or as it had ended before.',
      type: Upload,
      resolve: (query, { uploadId: id }, _args, { db }) => db.upload.findUniqueOrThrow({ ...query, where: { id } }),
    }),
  }),
});

builder.mutationField('abortUpload', (t) =>
  t.field({
    description: 'Ends an upload that has not ended, and frees its bytes. Whoever opened it, and admins.',
    type: builder.errorUnion('AbortUploadResult', {
      description: 'What became of aborting.',
      types: [UploadAborted, ValidationFailed],
      resolveType: () => 'UploadAborted',
    }),
    authScopes: async (_root, { input }, ctx) => ({
      member: await organizationIdOfUpload(ctx, idOf('Upload', input.id)),
    }),
    args: { input: t.arg({ type: IdInput, required: true, description: 'Which one, upl_….' }) },
    resolve: (_root, { input }, ctx) => abortUpload(ctx, { uploadId: idOf('Upload', input.id) }),
  }),
);

builder.subscriptionField('uploadProgress', (t) =>
  t.field({
    description: 'How an upload stands: now, about once a second while bytes come, and at its end, when it completes.',
    type: Upload,
    authScopes: async (_root, { id }, ctx) => ({
      memberOrSuperuser: await organizationIdOfUpload(ctx, idOf('Upload', id)),
    }),
    args: { id: t.arg.id({ required: true, description: 'upl_…' }) },
    subscribe: (_root, { id }, ctx) => uploadChanges(ctx, { uploadId: idOf('Upload', id) }),
    resolve: (uploadId, _args, ctx) => requireVisibleUpload(ctx, uploadId as string) as never,
  }),
);
