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
import { aPerson, cpuMs, type Measured, type SignedIn, signIn, startProcess } from './gatehouse.ts';

const rounds = 5;
const lanes = 8;
const questions = [
  { name: '{ __typename }', times: 3_000, query: '{ __typename }' },
  { name: 'viewer { id }', times: 2_000, query: '{ viewer { id } }' },
  {
    name: 'nested page',
    times: 500,
    query: `query Page($id: ID!) { organization(id: $id) { id name slug
      members(first: 20) { edges { cursor node { id role joinedAt user { id name email } } } pageInfo { hasNextPage endCursor } }
      files(first: 20) { edges { cursor node { id name size contentType createdAt } } pageInfo { hasNextPage endCursor } }
      quotas { resource limit used remaining } } }`,
  },
];
type Question = (typeof questions)[number];

interface Side {
  readonly program: Measured;
  readonly token: string | null;
  readonly organizationId: string;
  statements(): number;
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

async function ask({ program, token, organizationId }: Side, { query }: Question): Promise<string> {
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
  return text;
}

async function askTimes(side: Side, question: Question, times: number): Promise<void> {
  let left = times;
  const lane = async () => {
    while (left-- > 0) await ask(side, question);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

/** CPU milliseconds of the server for one request. */
async function costOf(side: Side, question: Question): Promise<number> {
  const before = await cpuMs(side.program.pid);
  await askTimes(side, question, question.times);
  return ((await cpuMs(side.program.pid)) - before) / question.times;
}

async function statementsOf(side: Side, question: Question): Promise<number> {
  const before = side.statements();
  await askTimes(side, question, 100);
  return Math.round((side.statements() - before) / 100);
}

function median(numbers: number[]): number {
  return numbers.toSorted((one, other) => one - other)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}

async function compare(rows: number, ours: Side, bare: Side): Promise<void> {
  for (const question of questions) {
    const costs: [number, number][] = [];
    for (const side of [ours, bare]) await askTimes(side, question, question.times);
    for (let round = 0; round < rounds; round += 1)
      costs.push([await costOf(ours, question), await costOf(bare, question)]);
    const [cost, least] = [median(costs.map(([one]) => one)), median(costs.map(([, other]) => other))];
    const line = {
      question: question.name,
      rows,
      cpuToBare: Number((cost / least).toFixed(2)),
      statements: await statementsOf(ours, question),
      statementsOfBare: await statementsOf(bare, question),
      cpuMs: Number(cost.toFixed(3)),
      cpuMsOfBare: Number(least.toFixed(3)),
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
  const person: SignedIn = await signIn(api.url, email);
  const organizationId = decodeId('Organization', person.organizationId) ?? '';
  const bare = await startProcess('bench/bare-graphql.ts', {
    DATABASE_URL: bareDoor.url,
    VIEWER_ID: await idOfPerson(databaseUrl, email),
  });
  try {
    await work(
      { program: api, token: person.token, organizationId: person.organizationId, statements: door.statements },
      { program: bare, token: null, organizationId, statements: bareDoor.statements },
    );
  } finally {
    for (const program of [api, bare]) await program.stop();
    for (const one of [door, bareDoor]) one.close();
  }
}

async function idOfPerson(databaseUrl: string, email: string): Promise<string> {
  return withConnection(databaseUrl, async (client) => {
    const { rows } = await client.query<{ id: string }>('SELECT id FROM users WHERE email = $1', [email]);
    return rows[0]?.id ?? '';
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
