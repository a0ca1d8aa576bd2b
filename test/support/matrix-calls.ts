import { type GraphQLSchema, getNamedType, isObjectType, isUnionType } from 'graphql';
import { vi } from 'vitest';
import { encodeId, newId } from '../../src/platform/typeid.ts';
import { aKey } from './api-keys.ts';
import type { Cast } from './callers.ts';
import { askFor, callOf, fieldsOf } from './every-field.ts';
import { anAddress, type Caller, type Person, type TestApp } from './world.ts';

/** What a mutation's `id` names. Each caller gets one of their own, so that none finds what another took away. */
const targets: Readonly<Record<string, 'member' | 'invitation' | 'apiKey' | 'user' | 'session' | 'organization'>> = {
  changeMemberRole: 'member',
  removeMember: 'member',
  resendInvitation: 'invitation',
  revokeInvitation: 'invitation',
  revokeApiKey: 'apiKey',
  rotateApiKey: 'apiKey',
  lockUser: 'user',
  unlockUser: 'user',
  revokeSession: 'session',
  updateOrganization: 'organization',
  deleteOrganization: 'organization',
};

/** Where a call that is let through ends its caller or the organization: they have a world of their own. */
export const endings = [
  'Mutation.deleteAccount',
  'Mutation.deleteOrganization',
  'Mutation.logout',
  'Mutation.revokeOtherSessions',
  'Mutation.revokeSession',
  'Mutation.setOrganizationQuota',
];

/** The root fields and those of an organization, as `Type.field`. */
export function fieldNames(schema: GraphQLSchema): string[] {
  const types = [schema.getQueryType(), schema.getType('Organization'), schema.getMutationType()];
  return types.flatMap((type) =>
    isObjectType(type) ? fieldsOf(type).map((field) => `${type.name}.${field.name}`) : [],
  );
}

/** One call of a field that means the organization of the cast and, where an id is asked for, something real in it. */
export async function callFor(app: TestApp, schema: GraphQLSchema, name: string, cast: Cast & { owner: Person }) {
  const [typeName = '', fieldName = ''] = name.split('.');
  const type = schema.getType(typeName);
  const field = isObjectType(type) ? type.getFields()[fieldName] : undefined;
  if (!field) throw new Error(`no such field: ${name}`);
  const organization = `organization(id: "${cast.organizationId}")`;
  if (typeName === 'Organization') return `{ ${organization} { ${callOf(field)} } }`;
  if (name === 'Query.organization') return `{ ${organization} { __typename } }`;
  if (name === 'Query.node' || name === 'Query.user') {
    return `{ ${fieldName}(id: "${name === 'Query.node' ? cast.organizationId : cast.owner.id}") { __typename } }`;
  }
  if (name === 'Query.nodes') return `{ nodes(ids: ["${cast.organizationId}"]) { __typename } }`;
  if (typeName === 'Query') return askFor('query', field);
  const target = targets[fieldName];
  const id = target ? await aTarget(app, target, cast) : 'x';
  const document = askFor('mutation', field)
    .replace('organizationId: "x"', `organizationId: "${cast.organizationId}"`)
    .replace(/\b(id|membershipId): "x"/, `$1: "${id}"`);
  const isUnion = isUnionType(getNamedType(field.type));
  return isUnion ? document.replace('{ __typename }', '{ __typename ... on Error { code } }') : document;
}

async function aTarget(app: TestApp, kind: string, cast: Cast & { owner: Person }): Promise<string> {
  const { db } = app.platform;
  const { owner, organizationId: typeId } = cast;
  if (kind === 'organization') return typeId;
  if (kind === 'session') return owner.sessionId;
  if (kind === 'apiKey') return (await aKey(app, owner)).id;
  const { id: organizationId } = await db.organization.findFirstOrThrow({
    where: { memberships: { some: { user: { email: owner.email }, role: 'OWNER' } } },
    orderBy: { id: 'asc' },
  });
  const now = new Date();
  const id = newId();
  if (kind === 'invitation') {
    const expiresAt = new Date(now.getTime() + 86_400_000);
    const invitedBy = { invitedById: (await db.user.findUniqueOrThrow({ where: { email: owner.email } })).id };
    await db.invitation.create({
      data: { id, organizationId, email: anAddress(), role: 'MEMBER', ...invitedBy, createdAt: now, expiresAt },
    });
    return encodeId('Invitation', id);
  }
  await db.user.create({ data: { id, email: anAddress(), name: 'Target', createdAt: now } });
  const membershipId = newId();
  await db.membership.create({ data: { id: membershipId, organizationId, userId: id, role: 'MEMBER', joinedAt: now } });
  return kind === 'user' ? encodeId('User', id) : encodeId('Membership', membershipId);
}

/** What came back in one word: a code of `errors` or of a typed answer, `null`, or `ok`. */
export async function outcomeOf(caller: Caller, document: string): Promise<string> {
  const { data, codes } = await caller.send<Record<string, unknown> | null, never>(document);
  if (codes.length > 0) return codes.join('+');
  const root = Object.values(data ?? {})[0];
  if (root === null || root === undefined || (Array.isArray(root) && root[0] === null)) return 'null';
  return (root as { code?: string }).code ?? 'ok';
}

/** Opens the sessions again that an earlier call has ended. */
export async function revived({ platform: { db } }: TestApp): Promise<void> {
  await db.session.updateMany({ data: { revokedAt: null } });
}

/** Nothing that an earlier call has set going is under way any more. */
export async function settled({ platform: { db } }: TestApp): Promise<void> {
  const look = async () => {
    const [open] = await db.$queryRaw<{ count: bigint }[]>`
      SELECT count(*) FROM pgboss.job WHERE state IN ('created', 'active', 'retry') AND start_after <= now()`;
    if (open?.count !== 0n) throw new Error(`${open?.count} jobs are under way`);
  };
  await vi.waitFor(look, { timeout: 20_000, interval: 25 });
}

/** What changes by being asked, whoever asks: when a session or key was last seen, and counts of calls. */
const unprinted = ['call_counters', 'usage_rollups'];

/** Changes with every row written to any of our tables. */
export async function fingerprint({ platform: { db } }: TestApp): Promise<string> {
  const tables = await db.$queryRaw<{ name: string }[]>`
    SELECT table_name AS name FROM information_schema.tables
    WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY 1`;
  const prints = tables
    .filter(({ name }) => !unprinted.includes(name))
    .map(
      ({ name }) => `SELECT '${name}' AS name, md5(string_agg(row, ',' ORDER BY row)) AS print
        FROM (SELECT (to_jsonb(t) - 'last_used_at' - 'last_seen_at')::text AS row FROM "${name}" t) AS rows`,
    );
  return JSON.stringify(await db.$queryRawUnsafe(prints.join(' UNION ALL ')));
}
