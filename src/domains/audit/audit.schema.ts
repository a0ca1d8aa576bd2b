import type { RequestCtx } from '../../context.ts';
import type { AuditEntry as Entry } from '../../generated/prisma/client.ts';
import { builder } from '../../graphql/builder.ts';
import { decodeNodeId } from '../../graphql/ids.ts';
import { connectionType, type PageArgs, paginate } from '../../graphql/pagination.ts';
import { publicId, publicMetadata } from '../../graphql/public-ids.ts';
import { encodeId } from '../../platform/typeid.ts';
import { Admin } from '../admin/admin.schema.ts';
import { ApiKey } from '../api-keys/api-key.schema.ts';
import { visibleApiKeys } from '../api-keys/key-list.service.ts';
import { User } from '../members/members.schema.ts';
import { Organization } from '../organizations/organizations.schema.ts';
import { actorWithId, auditEntriesOf, visibleAuditEntries } from './audit-log.service.ts';

const AuditActorKind = builder.enumType('AuditActorKind', {
  description: 'As what somebody acted.',
  values: {
    USER: { value: 'user', description: 'A signed-in person.' },
    SUPERUSER: { value: 'superuser', description: 'A signed-in person who runs the installation.' },
    API_KEY: { value: 'apiKey', description: 'A program with an API key; `actor` is the person behind it.' },
    SYSTEM: { value: 'system', description: 'A job or a command.' },
    ANONYMOUS: {
      value: 'anonymous',
      description: 'Somebody who was not signed in, such as the reader of a mailed link.',
    },
  },
});

const AuditEntryRef = builder.objectRef<Entry>('AuditEntry');

/** One entry of an audit log, which nobody can change. */
export const AuditEntry = builder.node(AuditEntryRef, {
  description:
    'One sensitive change, written with it. One chain per organization, and one of the system for what belongs to none (accounts, sessions, second factors), read in `admin.auditLog`.',
  id: { resolve: ({ id }) => id },
  loadMany: (ids, ctx) => visibleAuditEntries(ctx, ids),
  fields: (t) => ({
    sequence: t.field({
      type: 'BigInt',
      description: 'Its number in its chain: from 1, without a gap.',
      resolve: ({ sequence }) => Number(sequence),
    }),
    action: t.exposeString('action', { description: '`noun.pastTense`' }),
    actorKind: t.field({
      type: AuditActorKind,
      description: 'As what the actor acted.',
      resolve: ({ actorKind }) => actorKind as 'user',
    }),
    actor: t.loadable({
      type: User,
      nullable: true,
      description:
        'The person who did it, or who made the key that did; null for the system, and when the account is gone.',
      load: async (ids: string[], { db }) => {
        // Whoever may read the entry may read who did it, members of former times too.
        const users = await db.user.findMany({ where: { id: { in: ids } } });
        const byId = new Map(users.map((user) => [user.id, user]));
        return ids.map((id) => byId.get(id) ?? null);
      },
      resolve: ({ actorUserId }) => actorUserId,
    }),
    apiKey: t.loadable({
      type: ApiKey,
      nullable: true,
      description: 'The key that did it; null when a person did.',
      load: async (ids: string[], { db, actor }) => {
        const keys = await db.apiKey.findMany({ where: { AND: [{ id: { in: ids } }, visibleApiKeys(actor)] } });
        const byId = new Map(keys.map((key) => [key.id, key]));
        return ids.map((id) => byId.get(id) ?? null);
      },
      resolve: ({ apiKeyId }) => apiKeyId,
    }),
    sessionId: t.id({
      nullable: true,
      description: 'ses_… that it was done in.',
      resolve: ({ sessionId }) => sessionId && encodeId('Session', sessionId),
    }),
    targetType: t.exposeString('targetType', { nullable: true, description: 'What kind of thing it was done to.' }),
    targetId: t.id({
      nullable: true,
      description: 'TypeID of the thing, which may be gone.',
      resolve: ({ targetType, targetId }) => publicId(targetType, targetId),
    }),
    ipAddress: t.exposeString('ipAddress', { nullable: true, description: 'Where it was done from.' }),
    userAgent: t.exposeString('userAgent', { nullable: true, description: 'What the client said of itself.' }),
    metadata: t.field({
      type: 'JSON',
      description: 'More about it, before and after, without secrets. Ids are TypeIDs.',
      resolve: ({ metadata }) => publicMetadata(metadata),
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was done.' }),
  }),
});

export const AuditEntryConnection = connectionType('AuditEntry', AuditEntryRef);

const actionArg = { description: 'Only this action.' };
const actorIdArg = { description: 'usr_… for what a person and their keys did, key_… for one key.' };

interface LogArgs extends PageArgs {
  readonly action?: string | null | undefined;
  readonly actorId?: string | null | undefined;
}

function pageOfLog(ctx: RequestCtx, organizationId: string | null, { action, actorId, ...page }: LogArgs) {
  const actor = actorId == null ? null : actorWithId(decodeNodeId(actorId));
  return paginate(ctx, page, auditEntriesOf(ctx, { organizationId, action, actor }));
}

builder.prismaObjectField(Organization, 'auditLog', (t) =>
  t.field({
    type: AuditEntryConnection,
    nullable: true,
    description: 'What was done in the organization, newest first. Admins with a second factor.',
    authScopes: ({ id }) => ({ adminOrSuperuser: id, mfaSatisfied: true }),
    args: { ...t.arg.connectionArgs(), action: t.arg.string(actionArg), actorId: t.arg.id(actorIdArg) },
    resolve: ({ id }, args, ctx) => pageOfLog(ctx, id, args),
  }),
);

builder.objectField(Admin, 'auditLog', (t) =>
  t.field({
    type: AuditEntryConnection,
    description: 'What was done that belongs to no organization: accounts, sessions, second factors. Newest first.',
    args: { ...t.arg.connectionArgs(), action: t.arg.string(actionArg), actorId: t.arg.id(actorIdArg) },
    resolve: (_admin, args, ctx) => pageOfLog(ctx, null, args),
  }),
);
