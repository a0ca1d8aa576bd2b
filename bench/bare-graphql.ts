import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buildSchema, type DocumentNode, execute, parse, validate } from 'graphql';
import pg from 'pg';

/**
 * What the answers cost at least: node:http, graphql-js and a named statement for each list, which trusts the caller, has no
 * limits and checks nothing. A document is parsed and validated once.
 */
const schema = buildSchema(`
  type Query { viewer: Viewer, organization(id: ID!): Organization }
  type Viewer { id: ID! }
  type Organization { id: ID!, name: String!, slug: String!, members(first: Int): Members!, files(first: Int): Files!, quotas: [Quota!]! }
  type PageInfo { hasNextPage: Boolean!, endCursor: String }
  type Members { edges: [MemberEdge!]!, pageInfo: PageInfo! }
  type MemberEdge { cursor: String!, node: Membership! }
  type Membership { id: ID!, role: String!, joinedAt: String!, user: User! }
  type User { id: ID!, name: String!, email: String }
  type Files { edges: [FileEdge!]!, pageInfo: PageInfo! }
  type FileEdge { cursor: String!, node: File! }
  type File { id: ID!, name: String!, size: Float!, contentType: String!, createdAt: String! }
  type Quota { resource: String!, limit: Float!, used: Float!, remaining: Float! }
`);

const [connectionString = '', viewerId = ''] = process.argv.slice(2);
const pool = new pg.Pool({ connectionString, max: 20 });

async function rowsOf(name: string, text: string, values: unknown[]): Promise<Record<string, unknown>[]> {
  return (await pool.query({ name, text, values })).rows;
}

function pageOf(rows: Record<string, unknown>[], first: number) {
  const edges = rows.slice(0, first).map((node) => ({ cursor: String(node.id), node }));
  return { edges, pageInfo: { hasNextPage: rows.length > first, endCursor: edges.at(-1)?.cursor ?? null } };
}

async function members(organizationId: unknown, first: number) {
  const text = `SELECT m.id, m.role, m.joined_at, u.id AS user_id, u.name, u.email FROM memberships m
    JOIN users u ON u.id = m.user_id WHERE m.organization_id = $1 ORDER BY m.id LIMIT $2`;
  const rows = await rowsOf('members', text, [organizationId, first + 1]);
  const nodes = rows.map(({ id, role, joined_at, user_id, name, email }) => ({
    id,
    role,
    joinedAt: (joined_at as Date).toISOString(),
    user: { id: user_id, name, email },
  }));
  return pageOf(nodes, first);
}

async function files(organizationId: unknown, first: number) {
  const text = `SELECT id, name, size, content_type AS "contentType", created_at FROM files
    WHERE organization_id = $1 AND trashed_at IS NULL ORDER BY created_at DESC, id DESC LIMIT $2`;
  const rows = await rowsOf('files', text, [organizationId, first + 1]);
  const nodes = rows.map((row) => ({
    ...row,
    size: Number(row.size),
    createdAt: (row.created_at as Date).toISOString(),
  }));
  return pageOf(nodes, first);
}

async function quotas(organizationId: unknown) {
  const text = `SELECT l.resource, l.override AS "limit", c.used FROM quota_limits l LEFT JOIN call_counters c
    ON c.organization_id = l.organization_id WHERE l.organization_id = $1`;
  const rows = await rowsOf('quotas', text, [organizationId]);
  return rows.map(({ resource, limit, used }) => ({
    resource,
    limit: Number(limit),
    used: Number(used),
    remaining: Number(limit) - Number(used),
  }));
}

const rootValue = {
  viewer: async () => (await rowsOf('viewer', 'SELECT id FROM users WHERE id = $1', [viewerId]))[0],
  organization: async ({ id }: { id: string }) => {
    const [row] = await rowsOf('organization', 'SELECT id, name, slug FROM organizations WHERE id = $1', [id]);
    return {
      ...row,
      members: ({ first }: { first: number }) => members(id, first),
      files: ({ first }: { first: number }) => files(id, first),
      quotas: () => quotas(id),
    };
  },
};

const known = new Map<string, DocumentNode>();

function documentOf(query: string): DocumentNode {
  const before = known.get(query);
  if (before) return before;
  const document = parse(query);
  const [mistake] = validate(schema, document);
  if (mistake) throw mistake;
  known.set(query, document);
  return document;
}

async function bodyOf(request: IncomingMessage): Promise<{ query: string; variables?: Record<string, unknown> }> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString());
}

const server = createServer(async (request, response) => {
  const { query, variables } = await bodyOf(request);
  const result = await execute({ schema, document: documentOf(query), rootValue, variableValues: variables ?? {} });
  const body = JSON.stringify(result);
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }).end(body);
});
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  console.log(JSON.stringify({ msg: 'ready', url: `http://127.0.0.1:${port}` }));
});
process.once('SIGTERM', () => process.exit(0));
