import { ValidationFailed } from '../../errors.ts';
import { builder } from '../../graphql/builder.ts';
import { idOf } from '../../graphql/ids.ts';
import { exportAuditLog, visibleAuditExports } from './audit-exports.service.ts';
import { downloadUrlOf } from './download.service.ts';

const AuditExportState = builder.enumType('AuditExportState', {
  description: 'How far an export is.',
  values: {
    PENDING: { description: 'A job is writing it.' },
    READY: { description: 'It can be fetched.' },
  },
});

const AuditExport = builder.prismaNode('AuditExport', {
  description:
    'A stretch of an organization’s audit log as a file, seen by the admin who asked for it, for a day. One line of JSON an entry: `entry`, the `hash` of it, and the `previousHash` that goes before it (see docs/organizations.md).',
  id: { field: 'id' },
  nullable: true,
  findUnique: (id, ctx) => ({ id, AND: visibleAuditExports(ctx) }),
  select: { id: true, readyAt: true },
  fields: (t) => ({
    organization: t.relation('organization', { description: 'Whose log it is.' }),
    state: t.field({
      description: 'Whether it can be fetched.',
      type: AuditExportState,
      resolve: ({ readyAt }) => (readyAt ? 'READY' : 'PENDING'),
    }),
    entryCount: t.field({
      description: 'How many entries it holds.',
      type: 'BigInt',
      select: { firstSequence: true, lastSequence: true },
      resolve: ({ firstSequence, lastSequence }) => Math.max(0, Number(lastSequence - firstSequence) + 1),
    }),
    createdAt: t.expose('createdAt', { description: 'When it was asked for.', type: 'DateTime' }),
    expiresAt: t.expose('expiresAt', { description: 'When it is deleted.', type: 'DateTime' }),
    downloadUrl: t.string({
      description:
        'Where the file is, for five minutes and at most as long as this session; null until it is ready. Without `PUBLIC_API_URL` it is relative to the address of the API.',
      nullable: true,
      resolve: (auditExport, _args, ctx) => downloadUrlOf(ctx, auditExport),
    }),
  }),
});

builder.queryField('auditExport', (t) =>
  t.prismaField({
    description: 'An export of an audit log that the caller has asked for; null for any other.',
    type: AuditExport,
    nullable: true,
    authScopes: { public: true },
    args: { id: t.arg.id({ required: true, description: 'axp_…' }) },
    resolve: (query, _root, { id }, ctx) =>
      ctx.db.auditExport.findFirst({
        ...query,
        where: { AND: [{ id: idOf('AuditExport', id) }, visibleAuditExports(ctx)] },
      }),
  }),
);

const ExportAuditLogInput = builder.inputType('ExportAuditLogInput', {
  description: 'Which log, and which stretch of it.',
  fields: (t) => ({
    organizationId: t.id({ required: true, description: 'org_…' }),
    from: t.field({ type: 'DateTime', description: 'Nothing from before it; from the first entry when left out.' }),
    to: t.field({ type: 'DateTime', description: 'Nothing from this moment on; all until now when left out.' }),
  }),
});

const AuditExportRequested = builder.objectRef<{ id: string }>('AuditExportRequested').implement({
  description: 'It is being written. A notification tells when it can be fetched.',
  fields: (t) => ({
    auditExport: t.prismaField({
      description: 'What was asked for.',
      type: AuditExport,
      resolve: (query, { id }, _args, { db }) => db.auditExport.findUniqueOrThrow({ ...query, where: { id } }),
    }),
  }),
});

builder.mutationField('exportAuditLog', (t) =>
  t.field({
    description: 'Writes a stretch of the audit log to a file, later. Admins with a second factor. Is audited itself.',
    type: builder.errorUnion('ExportAuditLogResult', {
      description: 'What became of an export.',
      types: [AuditExportRequested, ValidationFailed],
      resolveType: () => 'AuditExportRequested',
    }),
    authScopes: (_root, { input }) => ({
      orgAdmin: idOf('Organization', input.organizationId),
      mfaSatisfied: true,
    }),
    args: { input: t.arg({ type: ExportAuditLogInput, required: true, description: 'Which one.' }) },
    resolve: (_root, { input }, ctx) =>
      exportAuditLog(ctx, { ...input, organizationId: idOf('Organization', input.organizationId) }),
  }),
);
