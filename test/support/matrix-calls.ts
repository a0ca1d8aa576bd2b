import { type GraphQLSchema, getNamedType, isObjectType, isUnionType } from 'graphql';
import { vi } from 'vitest';
import { askFor, callOf, fieldsOf } from './every-field.ts';
import { type Setting, targets } from './matrix-targets.ts';
import { connected } from './raw-socket.ts';
import type { Caller, TestApp } from './world.ts';

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
  const types = [
    schema.getQueryType(),
    schema.getType('Organization'),
    schema.getMutationType(),
    schema.getSubscriptionType(),
  ];
  return types.flatMap((type) =>
    isObjectType(type) ? fieldsOf(type).map((field) => `${type.name}.${field.name}`) : [],
  );
}

/** One call of a field that means the organization of the cast and, where an id is asked for, something real in it. */
export async function callFor(schema: GraphQLSchema, name: string, setting: Setting): Promise<string> {
  const [typeName = '', fieldName = ''] = name.split('.');
  const type = schema.getType(typeName);
  const field = isObjectType(type) ? type.getFields()[fieldName] : undefined;
  if (!field) throw new Error(`no such field: ${name}`);
  const { organizationId, owner } = setting.cast;
  const organization = `organization(id: "${organizationId}")`;
  if (typeName === 'Organization') return `{ ${organization} { ${callOf(field)} } }`;
  if (name === 'Query.organization') return `{ ${organization} { __typename } }`;
  if (name === 'Query.node') return `{ node(id: "${organizationId}") { __typename } }`;
  if (name === 'Query.nodes') return `{ nodes(ids: ["${organizationId}"]) { __typename } }`;
  if (name === 'Query.user') return `{ user(id: "${owner.id}") { __typename } }`;
  if (typeName === 'Query') return askFor('query', field);
  const document = askFor(typeName === 'Subscription' ? 'subscription' : 'mutation', field)
    .replace('organizationId: "x"', `organizationId: "${organizationId}"`)
    .replace(/\b(id|membershipId): "x"/, `$1: "${(await targets[fieldName]?.(setting)) ?? 'x'}"`);
  const isUnion = isUnionType(getNamedType(field.type));
  return isUnion ? document.replace('{ __typename }', '{ __typename ... on Error { code } }') : document;
}

/** What came back in one word: a code of `errors` or of a typed answer, `null`, or `ok`. */
export async function outcomeOf(caller: Caller, document: string): Promise<string> {
  const { data, codes } = await caller.send<Record<string, unknown> | null, never>(document);
  if (codes.length > 0) return codes.join('+');
  const root = Object.values(data ?? {})[0];
  if (root === null || root === undefined || (Array.isArray(root) && root[0] === null)) return 'null';
  return (root as { code?: string }).code ?? 'ok';
}

/** As `outcomeOf`, for a subscription: `ok` once the program listens for its events, or has sent one. */
export async function listeningOutcome({ url, platform }: TestApp, caller: Caller, query: string): Promise<string> {
  const { accessToken, secret } = caller as { accessToken?: string; secret?: string };
  const token = accessToken ?? secret;
  const client = await connected(url, token === undefined ? {} : { authorization: `Bearer ${token}` });
  const listening = vi.spyOn(platform.pubsub, 'subscribe');
  try {
    client.send({ id: 'listening', type: 'subscribe', payload: { query } });
    const told = client.next().then(({ payload }) => codeIn(payload) ?? 'ok');
    const stands = vi.waitUntil(() => listening.mock.calls.length > 0, 10_000).then(() => 'ok');
    return await Promise.race([told, stands]);
  } finally {
    listening.mockRestore();
    client.socket.terminate();
  }
}

/** Of the errors that a socket brings, alone or in a result. */
function codeIn(payload: unknown): string | null {
  const errors = Array.isArray(payload) ? payload : ((payload as { errors?: unknown[] }).errors ?? []);
  return (errors[0] as { extensions: { code: string } } | undefined)?.extensions.code ?? null;
}

/** Opens the sessions again that an earlier call has ended. */
export async function revived({ platform: { db } }: TestApp): Promise<void> {
  await db.session.updateMany({ data: { revokedAt: null } });
}

/** Nothing that an earlier call has set going is under way any more: no job, and no webhook, which has a row of its own. */
export async function settled({ platform: { db } }: TestApp): Promise<void> {
  const look = async () => {
    const [open] = await db.$queryRaw<{ count: bigint }[]>`
      SELECT (SELECT count(*) FROM pgboss.job WHERE state IN ('created', 'active', 'retry') AND start_after <= now())
        + (SELECT count(*) FROM webhook_deliveries d JOIN webhook_endpoints e ON e.id = d.endpoint_id
           WHERE d.due_at IS NOT NULL AND e.status = 'ENABLED') AS count`;
    if (open?.count !== 0n) throw new Error(`${open?.count} jobs or webhooks are under way`);
  };
  await vi.waitFor(look, { timeout: 20_000, interval: 25 });
}

/** What changes by being asked, whoever asks: when a session or key was last seen, and counts of calls. */
const unprinted = ['call_counters', 'usage_rollups'];

/** A print of each of our tables, which changes with every row written to it. */
export async function fingerprints({ platform: { db } }: TestApp): Promise<Map<string, string | null>> {
  const tables = await db.$queryRaw<{ name: string }[]>`
    SELECT table_name AS name FROM information_schema.tables
    WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY 1`;
  const prints = tables
    .filter(({ name }) => !unprinted.includes(name))
    .map(
      ({ name }) => `SELECT '${name}' AS name, md5(string_agg(row, ',' ORDER BY row)) AS print
        FROM (SELECT (to_jsonb(t) - 'last_used_at' - 'last_seen_at')::text AS row FROM "${name}" t) AS rows`,
    );
  const rows = await db.$queryRawUnsafe<{ name: string; print: string | null }[]>(prints.join(' UNION ALL '));
  return new Map(rows.map(({ name, print }) => [name, print]));
}

/** The tables that something has been written to since. */
export async function writtenSince(app: TestApp, before: ReadonlyMap<string, string | null>): Promise<string[]> {
  const now = await fingerprints(app);
  return [...now.keys()].filter((name) => now.get(name) !== before.get(name));
}
