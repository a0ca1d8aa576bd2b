import { builder } from '../../graphql/builder.ts';
import { connectionType } from '../../graphql/pagination.ts';
import { visibleUsers } from '../members/members.access.ts';
import { User } from '../members/members.schema.ts';
import { visibleApiKeys } from './key-list.service.ts';

export const ApiKey = builder.prismaNode('ApiKey', {
  description: 'A key that a program acts with in one organization. Seen by the organization’s admins.',
  id: { field: 'id' },
  nullable: true,
  findUnique: (id, { actor }) => ({ id, AND: visibleApiKeys(actor) }),
  select: { id: true, createdById: true },
  fields: (t) => ({
    name: t.exposeString('name', { description: 'What it is for.' }),
    hint: t.exposeString('hint', { description: 'How the newest secret begins and ends.' }),
    scopes: t.exposeStringList('scopes', {
      description: 'What it was made for. At each use that is cut to what the role of its creator allows.',
    }),
    createdBy: t.loadable({
      description: 'Whose role bounds it; null when the caller may not see their profile.',
      type: User,
      nullable: true,
      load: async (ids: string[], { db, actor }) => {
        const users = await db.user.findMany({ where: { AND: [{ id: { in: ids } }, visibleUsers(actor)] } });
        const byId = new Map(users.map((user) => [user.id, user]));
        return ids.map((id) => byId.get(id) ?? null);
      },
      resolve: ({ createdById }) => createdById,
    }),
    createdAt: t.expose('createdAt', { description: 'When it was made.', type: 'DateTime' }),
    lastUsedAt: t.expose('lastUsedAt', {
      description: 'When it was last used, to the minute; null when never.',
      type: 'DateTime',
      nullable: true,
    }),
    expiresAt: t.expose('expiresAt', {
      description: 'When it ends by itself. Rotation does not move it.',
      type: 'DateTime',
      nullable: true,
    }),
    revokedAt: t.expose('revokedAt', {
      description: 'When it was ended; null when it was not.',
      type: 'DateTime',
      nullable: true,
    }),
    previousSecretExpiresAt: t.expose('previousSecretExpiresAt', {
      description: 'Until when the secret before the last rotation works too; null when it ended with it.',
      type: 'DateTime',
      nullable: true,
    }),
  }),
});

export const ApiKeyConnection = connectionType('ApiKey', ApiKey);
