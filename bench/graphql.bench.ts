// What an operation costs the server, beside node:http, graphql-js and hand-written SQL in the same run, with a thousand rows
// and with a hundred thousand: `npm run bench -- graphql`. CPU time of the processes, so that other load matters little.
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { withConnection } from '../src/platform/connection.ts';
import { startEmbeddedPostgres } from '../src/platform/embedded-postgres.ts';
import { createLogger } from '../src/platform/log.ts';
import { decodeId } from '../src/platform/typeid.ts';
import { countedDatabase } from './counted-database.ts';
import { aPerson, childrenCpuMs, cpuMs, type Measured, parentOf, signIn, startProcess } from './gatehouse.ts';

/** The two sides take turns in short slices, so that what the machine does beside them meets both. */
const slices = 75;
const warmingSlices = 25;
const lanes = 8;
const questions = [
  // Without credentials: the shell alone.
  { name: '{ __typename }', times: 600, isPublic: true, query: '{ __typename }' },
  { name: 'viewer { id }', times: 400, isPublic: false, query: '{ viewer { id } }' },
  {
    name: 'nested page',
    times: 100,
    isPublic: false,
    query: `query Page($id: ID!) { organization(id: $id) { id name slug
      members(first: 20) { edges { cursor node { id role joinedAt user { id name email } } } pageInfo { hasNextPage endCursor } }
      files(first: 20) { edges { cursor node { id name size contentType createdAt } } pageInfo { hasNextPage endCursor } }
      quotas { resource limit used remaining } } }`,
  },
];
type Question = (typeof questions)[number];

interface Side {
  readonly program: Measured;
  /** A new access token; they live for five minutes. */
  signIn(): Promise<string | null>;
  readonly organizationId: string;
  statements(): number;
  readonly postmasterPid: number;
}

/** Grows the organization to so many members and files, and says so to the planner. */
async function growTo(databaseUrl: string, organizationId: string, rows: number): Promise<void> {
  await withConnection(databaseUrl, async (client) => {
    await client.query(`
      INSERT INTO quota_limits (organization_id, resource, override)
        SELECT '${organizationId}', r, 9000000000 FROM unnest(ARRAY['API_CALLS', 'STORAGE_BYTES', 'MEMBERS']) r
        ON CONFLICT (organization_id, resource) DO UPDATE SET override = excluded.override;
      WITH people AS (
        INSERT INTO users (id, email, name, email_verified_at, created_at)
        SELECT uuidv7(), 'u' || n || '-${rows}@example.com', 'Person ' || n, now(), now() FROM generate_series(1, ${rows}) n
        RETURNING id)
      INSERT INTO memberships (id, organization_id, user_id, role, joined_at)
        SELECT uuidv7(), '${organizationId}', id, 'MEMBER', now() FROM people;
      INSERT INTO files (id, organization_id, name, size, content_type, sha256, storage_key, created_at)
        SELECT uuidv7(), '${organizationId}', 'report-' || n || '.pdf', n, 'application/pdf', '', gen_random_uuid()::text,
          now() - n * interval '1 second' FROM generate_series(1, ${rows}) n;
      ANALYZE`);
  });
}

const agent = new Agent({ keepAlive: true, maxSockets: lanes });

async function ask({ program, organizationId }: Side, { query }: Question, token: string | null): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) };
  const sent = request(`${program.url}/graphql`, { method: 'POST', agent, headers }, (response) => {
    let text = '';
    response.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    response.on('end', () => resolve(text));
  });
  sent.on('error', reject).end(JSON.stringify({ query, variables: { id: organizationId } }));
  const text = await promise;
  if (text.includes('"errors"')) throw new Error(text);
}

interface Cost {
  readonly serverMs: number;
  readonly databaseMs: number;
  readonly statements: number;
}

/** CPU of the server and of the database, and statements, for one request of a slice. */
async function costOf(side: Side, question: Question, token: string | null): Promise<Cost> {
  const read = async () => [await cpuMs(side.program.pid), await childrenCpuMs(side.postmasterPid), side.statements()];
  const before = await read();
  let left = question.times;
  const lane = async () => {
    while (left-- > 0) await ask(side, question, token);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  const after = await read();
  const [serverMs = 0, databaseMs = 0, statements = 0] = after.map(
    (it, at) => (it - (before[at] ?? 0)) / question.times,
  );
  return { serverMs, databaseMs, statements };
}

function mean(costs: readonly Cost[], of: keyof Cost): number {
  return costs.reduce((sum, cost) => sum + cost[of], 0) / costs.length;
}

async function compare(rows: number, ours: Side, bare: Side): Promise<void> {
  for (const question of questions) {
    const token = question.isPublic ? null : await ours.signIn();
    const costs: [Cost[], Cost[]] = [[], []];
    for (let slice = 0; slice < slices; slice += 1) {
      const [our, bares] = [await costOf(ours, question, token), await costOf(bare, question, null)];
      if (slice < warmingSlices) continue;
      costs[0].push(our);
      costs[1].push(bares);
    }
    const ratio = (of: keyof Cost) => Number((mean(costs[0], of) / mean(costs[1], of)).toFixed(2));
    const statementsOfBare = Math.round(mean(costs[1], 'statements'));
    const line = {
      question: question.name,
      rows,
      cpuToBare: ratio('serverMs'),
      databaseCpuToBare: statementsOfBare > 0 ? ratio('databaseMs') : null,
      statements: Math.round(mean(costs[0], 'statements')),
      statementsOfBare,
    };
    console.log(JSON.stringify(line));
  }
}

async function withSides(databaseUrl: string, work: (ours: Side, bare: Side) => Promise<void>): Promise<void> {
  const env = { PORT: '0', DATA_DIR: path.join(folder, 'data'), RATE_LIMIT_SCALE: '100000' };
  const whole = await startProcess('src/main.ts', { ...env, DATABASE_URL: databaseUrl });
  const { email } = await aPerson(whole.url, 'ada@example.com');
  await whole.stop();
  const [door, bareDoor] = [await countedDatabase(databaseUrl), await countedDatabase(databaseUrl)];
  const api = await startProcess('src/main.ts', { ...env, DATABASE_URL: door.url }, ['api']);
  const { organizationId } = await signIn(api.url, email);
  const bareId = decodeId('Organization', organizationId) ?? '';
  const { viewerId, postmasterPid } = await look(databaseUrl, email);
  const bare = await startProcess('bench/bare-graphql.ts', {}, [bareDoor.url, viewerId]);
  const token = async () => (await signIn(api.url, email)).token;
  try {
    await work(
      { program: api, signIn: token, organizationId, statements: door.statements, postmasterPid },
      {
        program: bare,
        signIn: async () => null,
        organizationId: bareId,
        statements: bareDoor.statements,
        postmasterPid,
      },
    );
  } finally {
    for (const program of [api, bare]) await program.stop();
    for (const one of [door, bareDoor]) one.close();
  }
}

/** The person's id, and the process whose children serve the connections. */
async function look(databaseUrl: string, email: string): Promise<{ viewerId: string; postmasterPid: number }> {
  return withConnection(databaseUrl, async (client) => {
    const text = 'SELECT id, pg_backend_pid() AS pid FROM users WHERE email = $1';
    const { rows } = await client.query<{ id: string; pid: number }>(text, [email]);
    return { viewerId: rows[0]?.id ?? '', postmasterPid: await parentOf(rows[0]?.pid ?? 0) };
  });
}

const folder = await mkdtemp(path.join(tmpdir(), 'gatehouse-bench-'));
const database = await startEmbeddedPostgres({
  dataDir: path.join(folder, 'pg'),
  log: createLogger('warn'),
  fast: true,
});
try {
  await withSides(database.url, async (ours, bare) => {
    for (const rows of [1_000, 100_000]) {
      await growTo(database.url, bare.organizationId, rows);
      await compare(rows, ours, bare);
    }
  });
} finally {
  agent.destroy();
  await database.stop();
  await rm(folder, { recursive: true, force: true });
}
