/**
 * The rules of Relay's specifications for every node and every connection that the schema has. A new one is found by itself and
 * needs its line in `support/relay-world.ts`. What strangers get of ids is in isolation.test.ts.
 */
import { isInterfaceType, isObjectType } from 'graphql';
import { beforeAll, describe, expect, test } from 'vitest';
import { schema } from '../src/graphql/schema.ts';
import { decodeId, encodeId, type Kind, newId } from '../src/platform/typeid.ts';
import { anUpload } from './support/files.ts';
import { aRelayWorld, type ListCase, listCases, type RelayWorld } from './support/relay-world.ts';
import { allowLoopback } from './support/webhooks.ts';
import { useApp } from './support/world.ts';

const app = useApp(allowLoopback);
let world: RelayWorld;
const rows = 5;

beforeAll(async () => {
  world = await aRelayWorld(app);
});

interface Page {
  readonly totalCount: number;
  readonly edges: { cursor: string; node: { id: string } }[];
  readonly pageInfo: {
    readonly hasNextPage: boolean;
    readonly hasPreviousPage: boolean;
    readonly startCursor: string | null;
    readonly endCursor: string | null;
  };
}

const connections = Object.values(schema.getTypeMap())
  .filter(isObjectType)
  .flatMap((type) => Object.values(type.getFields()).map((field) => ({ type, field })))
  .filter(({ field }) => /Connection!?$/.test(String(field.type)))
  .map(({ type, field }) => `${type.name}.${field.name}`)
  .sort();

const argumentsOf = (given: Record<string, unknown>) =>
  Object.entries(given)
    .map(([name, value]) => `${name}: ${JSON.stringify(value)}`)
    .join(', ');

async function ask(name: string, given: Record<string, unknown>) {
  const { around } = listCases[name] as ListCase;
  const page = 'totalCount edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }';
  const field = `${name.split('.')[1]}(${argumentsOf(given)}) { ${page} }`;
  const { data, codes } = await world.owner.send<Record<string, Record<string, Page>>, unknown>(around(world, field));
  const [parent] = Object.values(data ?? {});
  return { page: Object.values(parent ?? {})[0] as Page | undefined, codes };
}

async function pageOf(name: string, given: Record<string, unknown>): Promise<Page> {
  const { page, codes } = await ask(name, given);
  expect(codes).toEqual([]);
  if (!page) throw new Error(`no ${name}`);
  return page;
}

const idsOf = ({ edges }: Page) => edges.map(({ node }) => node.id);

test('every connection of the schema has its case', () => {
  expect(connections).toEqual(Object.keys(listCases).sort());
});

describe.each(connections)('%s', (name) => {
  beforeAll(async () => {
    for (let row = 0; row < rows; row += 1) await listCases[name]?.add(world);
  });

  test('is in one order, both ways, page by page', async () => {
    const all = await pageOf(name, { first: 100 });
    expect(all.edges.length).toBeGreaterThanOrEqual(rows);
    expect(all.totalCount).toBe(all.edges.length);
    expect(all.pageInfo.hasNextPage).toBe(false);
    expect(all.pageInfo.hasPreviousPage).toBe(false);
    expect(new Set(all.edges.map(({ cursor }) => cursor)).size).toBe(all.edges.length);
    const forwards: string[] = [];
    for (let after: string | null = null, more = true; more; ) {
      const page: Page = await pageOf(name, { first: 2, ...(after && { after }) });
      expect(page.pageInfo.startCursor).toBe(page.edges[0]?.cursor);
      expect(page.pageInfo.endCursor).toBe(page.edges.at(-1)?.cursor);
      expect(page.pageInfo.hasPreviousPage).toBe(after !== null);
      forwards.push(...idsOf(page));
      ({ endCursor: after, hasNextPage: more } = page.pageInfo);
    }
    expect(forwards).toEqual(idsOf(all));
    const backwards: string[] = [];
    for (let before: string | null = null, more = true; more; ) {
      const page: Page = await pageOf(name, { last: 2, ...(before && { before }) });
      expect(page.pageInfo.hasNextPage).toBe(before !== null);
      backwards.unshift(...idsOf(page));
      ({ startCursor: before, hasPreviousPage: more } = page.pageInfo);
    }
    expect(backwards).toEqual(idsOf(all));
  });

  test('gives what lies between two cursors, and an empty page where nothing does', async () => {
    const all = await pageOf(name, { first: 100 });
    const [first, , , fourth] = all.edges;
    const between = { after: first?.cursor, before: fourth?.cursor };
    expect(idsOf(await pageOf(name, between))).toEqual(idsOf(all).slice(1, 3));
    expect(idsOf(await pageOf(name, { ...between, last: 1 }))).toEqual(idsOf(all).slice(2, 3));
    const nothing = await pageOf(name, { after: first?.cursor, before: all.edges[1]?.cursor });
    expect(nothing.edges).toEqual([]);
    expect(nothing.pageInfo).toMatchObject({ startCursor: null, endCursor: null });
  });

  test('refuses sizes and cursors that are none', async () => {
    const other = name === 'Admin.users' ? 'Admin.organizations' : 'Admin.users';
    const foreign = (await pageOf(other, { first: 1 })).edges[0]?.cursor;
    for (const given of [
      { first: 0 },
      { first: -1 },
      { first: 101 },
      { last: 0 },
      { last: -1 },
      { last: 101 },
      { first: 1, last: 1 },
      { after: 'x' },
      { before: foreign },
    ])
      expect({ given, ...(await ask(name, given)).codes }).toEqual({ given, 0: 'BAD_USER_INPUT' });
  });

  test('goes on from the cursor of a row that is gone', async () => {
    const { kind, remove } = listCases[name] as ListCase;
    if (!remove) return expect(kind).toBe('AuditEntry');
    const all = await pageOf(name, { first: 100 });
    // Not the first one, which may be what the world stands on.
    const order = idsOf(all);
    const spare = order.findIndex((id, at) => at > 0 && at < order.length - 1 && !isNeeded(kind, id));
    await remove(world, decodeId(kind, order[spare] ?? '') ?? '');
    const { cursor } = all.edges[spare] ?? { cursor: '' };
    expect(idsOf(await pageOf(name, { first: 2, after: cursor }))).toEqual(order.slice(spare + 1, spare + 3));
    expect(idsOf(await pageOf(name, { last: 1, before: cursor }))).toEqual(order.slice(spare - 1, spare));
  });
});

/** Whether the world would fall with it. */
function isNeeded(kind: Kind, id: string): boolean {
  const { owner, endpointId } = world;
  const needed = [owner.id, owner.organizationId, encodeId('WebhookEndpoint', endpointId)];
  return needed.includes(id) || (kind === 'Membership' && id === ownSeat);
}

let ownSeat = '';
beforeAll(async () => {
  const { organizationId, userId } = world;
  const seat = await app.platform.db.membership.findFirstOrThrow({ where: { organizationId, userId } });
  ownSeat = encodeId('Membership', seat.id);
});

describe('node', () => {
  const common = schema.getType('Node');
  const types = isInterfaceType(common) ? schema.getImplementations(common).objects.map(({ name }) => name) : [];
  const ids = new Map<string, string>();

  beforeAll(async () => {
    for (const [name, { kind, add }] of Object.entries(listCases)) {
      await add(world);

      ids.set(kind, idsOf(await pageOf(name, { first: 1 }))[0] ?? '');
    }
    const { db } = app.platform;
    const { owner, userId, organizationId } = world;
    ids.set('Session', owner.sessionId);
    ids.set('Upload', (await anUpload(owner)).id);
    const of = { id: newId(), createdAt: new Date() };
    await db.identity.create({ data: { ...of, userId, provider: 'github', subject: of.id, email: owner.email } });
    ids.set('Identity', encodeId('Identity', of.id));
    const stretch = { firstSequence: 1n, lastSequence: 0n, expiresAt: new Date(Date.now() + 86_400_000) };
    await db.auditExport.create({ data: { ...of, organizationId, requestedById: userId, ...stretch } });
    ids.set('AuditExport', encodeId('AuditExport', of.id));
    const { data } = await owner.send<{ viewer: { id: string } }, unknown>('{ viewer { id } }');
    if (types.includes('Viewer')) ids.set('Viewer', data.viewer.id);
  });

  test('knows an id of every type, which is the same each time', async () => {
    expect([...ids.keys()].sort()).toEqual([...types].sort());
    for (const [type, id] of ids) {
      const { data } = await world.owner.send<{ one: unknown; again: unknown }, unknown>(
        `{ one: node(id: "${id}") { __typename id } again: node(id: "${id}") { id ... on ${type} { __typename } } }`,
      );
      expect(data).toEqual({ one: { __typename: type, id }, again: { __typename: type, id } });
    }
  });

  test('is null for an id of nothing, and `nodes` keeps the order', async () => {
    const known = [...ids.values()];
    const asked = known.flatMap((id) => [id, `${id.slice(0, 4)}${encodeId('User', newId()).slice(4)}`, id.slice(4)]);
    const { data, codes } = await world.owner.send<{ nodes: ({ id: string } | null)[] }, unknown>(
      `query InOrder($ids: [ID!]!) { nodes(ids: $ids) { id } }`,
      { ids: asked },
    );
    expect(codes).toEqual([]);
    expect(data.nodes.map((node) => node?.id ?? null)).toEqual(known.flatMap((id) => [id, null, null]));
  });
});
