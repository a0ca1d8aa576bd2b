import { builder } from '../../graphql/builder.ts';
import { connectionType } from '../../graphql/pagination.ts';
import { visibleUsers } from '../members/members.access.ts';
import { User } from '../members/members.schema.ts';
import { visibleFiles } from './file-list.service.ts';
import { downloadUrl, thumbnailUrl } from './links.service.ts';

const ThumbnailSize = builder.enumType('ThumbnailSize', {
  description: 'How large a thumbnail is at most, by its longer edge.',
  values: {
    SMALL: { description: '64 pixels.' },
    MEDIUM: { description: '256 pixels.' },
    LARGE: { description: '1024 pixels.' },
  },
});

export const File = builder.prismaNode('File', {
  description: 'Bytes that were uploaded. They never change; the name may.',
  id: { field: 'id' },
  nullable: true,
  findUnique: (id, { actor }) => ({ id, AND: visibleFiles(actor) }),
  // Also what a place in a list is made of.
  select: { id: true, uploadedById: true, storageKey: true, name: true, size: true, createdAt: true },
  fields: (t) => ({
    organization: t.relation('organization', { description: 'Whose it is.' }),
    name: t.exposeString('name', { description: 'What people call it.' }),
    size: t.field({ type: 'BigInt', description: 'In bytes.', resolve: ({ size }) => Number(size) }),
    contentType: t.exposeString('contentType', { description: 'Found in the bytes, never what the client said.' }),
    sha256: t.exposeString('sha256', { description: 'SHA-256 of the bytes, in hexadecimal.' }),
    uploadedBy: t.loadable({
      description: 'Who uploaded it; null when the account is gone or the caller may not see it.',
      type: User,
      nullable: true,
      load: async (ids: string[], { db, actor }) => {
        const users = await db.user.findMany({ where: { AND: [{ id: { in: ids } }, visibleUsers(actor)] } });
        const byId = new Map(users.map((user) => [user.id, user]));
        return ids.map((id) => byId.get(id) ?? null);
      },
      resolve: ({ uploadedById }) => uploadedById,
    }),
    createdAt: t.expose('createdAt', { description: 'When all bytes had arrived.', type: 'DateTime' }),
    trashedAt: t.expose('trashedAt', {
      description: 'Since when it is in the trash; null when it is not. After 30 days there it is purged.',
      type: 'DateTime',
      nullable: true,
    }),
    thumbnailUrl: t.string({
      description:
        'A smaller picture in WebP, signed like `downloadUrl`; null while there is none, and for what is no picture.',
      nullable: true,
      args: { size: t.arg({ type: ThumbnailSize, required: true, description: 'How large.' }) },
      select: { thumbnails: { select: { edge: true } } },
      resolve: (file, { size }, ctx) => thumbnailUrl(ctx, file, size),
    }),
    downloadUrl: t.string({
      description:
        'Signed, good for five minutes, and only as long as the caller may see the file and it is not in the trash.',
      resolve: (file, _args, ctx) => downloadUrl(ctx, file),
    }),
  }),
});

export const FileConnection = connectionType('File', File);
