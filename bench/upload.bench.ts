// How fast bytes come in, beside a bare `pipeline(request, file)` with SHA-256 in the same run, and what memory it takes.
// `npm run bench -- upload [GiB]`; 5 when left out. Ratios hold on any machine, megabytes a second on this one alone.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import * as tus from 'tus-js-client';
import { migrateDatabase } from '../src/commands/migrate.ts';
import { startEmbeddedPostgres } from '../src/platform/embedded-postgres.ts';
import { createLogger } from '../src/platform/log.ts';
import { endPrograms, runProgram } from '../test/support/program.ts';

const size = Number(process.argv[3] ?? 5) * 1024 ** 3;
const folder = await mkdtemp(path.join(tmpdir(), 'gatehouse-bench-'));
const databaseFolder = await mkdtemp(path.join(tmpdir(), 'gatehouse-bench-'));
const database = await startEmbeddedPostgres({ dataDir: databaseFolder, log: createLogger('warn') });
try {
  await migrateDatabase(database.url);
  const source = path.join(folder, 'source.bin');
  await writeSource(source);
  const bare = await measureBare(source);
  report('bare pipeline', bare, bare);
  const environment = { DATABASE_URL: database.url, DATA_DIR: path.join(folder, 'data'), PORT: '0' };
  const program = runProgram('src/main.ts', environment);
  const url = (await program.ready()) ?? '';
  const ada = await register(url);
  await raiseQuota(database.url);
  for (const [name, send] of [['PUT', byPut] as const, ['tus', byTus] as const]) {
    const upload = await openUpload(url, ada);
    const outcome = await measure(program.pid, () => send(upload, source));
    report(name, outcome, bare);
  }
} finally {
  await endPrograms();
  await database.stop();
  for (const made of [folder, databaseFolder]) await rm(made, { recursive: true, force: true });
}

interface Outcome {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly grownMiB: number;
}

interface Target {
  readonly url: string;
  readonly tusUrl: string;
  readonly token: string;
}

function report(name: string, { seconds, cpuSeconds, grownMiB }: Outcome, bare: Outcome): void {
  const line = {
    name,
    mebibytesPerSecond: Math.round(size / 1024 ** 2 / seconds),
    timeToBare: Number((seconds / bare.seconds).toFixed(2)),
    cpuToBare: Number((cpuSeconds / bare.cpuSeconds).toFixed(2)),
    memoryGrowthMiB: Math.round(grownMiB),
  };
  console.log(JSON.stringify(line));
}

async function writeSource(file: string): Promise<void> {
  const handle = await open(file, 'w');
  await handle.write(Buffer.from([0xfe, 0xfd]));
  await handle.truncate(size);
  await handle.close();
}

async function measureBare(source: string): Promise<Outcome> {
  const code = `(${bareServer.toString()})(${JSON.stringify(path.join(folder, 'bare.bin'))})`;
  const program = runProgram('--input-type=module', {}, [
    '-e',
    `import { createServer } from 'node:http'; import { createWriteStream } from 'node:fs'; import { createHash } from 'node:crypto'; import { Transform } from 'node:stream'; import { pipeline } from 'node:stream/promises'; import { once } from 'node:events'; await ${code}`,
  ]);
  const url = (await program.ready()) ?? '';
  const outcome = await measure(program.pid, () => byPut({ url, tusUrl: '', token: '' }, source));
  program.kill('SIGKILL');
  await program.exit;
  await rm(path.join(folder, 'bare.bin'));
  return outcome;
}

/** The least that a server can do: it runs in a process of its own, from its text. */
async function bareServer(file: string): Promise<void> {
  const server = createServer(async (incoming, response) => {
    const hash = createHash('sha256');
    const hashing = new Transform({
      transform(chunk, _encoding, done) {
        hash.update(chunk);
        done(null, chunk);
      },
    });
    await pipeline(incoming, hashing, createWriteStream(file));
    response.end(hash.digest('hex'));
  });
  server.requestTimeout = 0;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  process.stdout.write(`{"msg":"ready","url":"http://127.0.0.1:${(server.address() as AddressInfo).port}"}\n`);
}

async function measure(pid: number, work: () => Promise<void>): Promise<Outcome> {
  const [before, cpuBefore, startedAt] = [await peakMiB(pid), await cpuSeconds(pid), performance.now()];
  await work();
  return {
    seconds: (performance.now() - startedAt) / 1000,
    cpuSeconds: (await cpuSeconds(pid)) - cpuBefore,
    grownMiB: (await peakMiB(pid)) - before,
  };
}

async function peakMiB(pid: number): Promise<number> {
  return Number(/VmHWM:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

async function cpuSeconds(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

async function raiseQuota(databaseUrl: string): Promise<void> {
  const { default: pg } = await import('pg');
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  await client.query(`INSERT INTO quota_limits (organization_id, resource, override)
    SELECT id, 'STORAGE_BYTES', 1e15::bigint FROM organizations`);
  await client.end();
}

async function ask<Data>(url: string, query: string, accessToken?: string): Promise<Data> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(accessToken && { authorization: `Bearer ${accessToken}` }) },
    body: JSON.stringify({ query }),
  });
  const { data, errors } = (await response.json()) as { data: Data; errors?: unknown };
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}

/** Somebody with an organization. */
async function register(url: string): Promise<{ accessToken: string; organizationId: string }> {
  const form = 'email: "ada@example.com", password: "correct horse battery staple"';
  await ask(url, `mutation { register(input: { ${form}, name: "Ada" }) { __typename } }`);
  let token: string | undefined;
  while (!token) {
    await delay(200);
    const mails = (await (await fetch(`${url}/dev/mailbox.json`)).json()) as { text: string }[];
    token = /token=([\w-]+)/.exec(mails[0]?.text ?? '')?.[1];
  }
  await ask(url, `mutation { verifyEmail(input: { token: "${token}" }) { __typename } }`);
  type SignedIn = { login: { accessToken: string; viewer: { activeOrganization: { id: string } } } };
  const { login } = await ask<SignedIn>(
    url,
    `mutation { login(input: { ${form} }) { ... on SignedIn { accessToken viewer { activeOrganization { id } } } } }`,
  );
  return { accessToken: login.accessToken, organizationId: login.viewer.activeOrganization.id };
}

async function openUpload(url: string, ada: { accessToken: string; organizationId: string }): Promise<Target> {
  const input = `{ organizationId: "${ada.organizationId}", name: "big.bin", size: ${size} }`;
  const data = await ask<{ createUpload: { token: string; upload: Target } }>(
    url,
    `mutation { createUpload(input: ${input}) { ... on UploadCreated { token upload { url tusUrl } } } }`,
    ada.accessToken,
  );
  return { ...data.createUpload.upload, token: data.createUpload.token };
}

async function byPut({ url, token }: Target, source: string): Promise<void> {
  const headers = { authorization: `Upload ${token}`, 'content-length': size };
  const client = request(url, { method: 'PUT', headers });
  const answered = once(client, 'response');
  await pipeline(createReadStream(source, { highWaterMark: 1024 * 1024 }), client);
  const [response] = await answered;
  response.resume();
  if (response.statusCode >= 300) throw new Error(`refused: ${response.statusCode}`);
}

function byTus({ tusUrl, token }: Target, source: string): Promise<void> {
  return new Promise((resolve, reject) => {
    new tus.Upload(createReadStream(source, { highWaterMark: 1024 * 1024 }), {
      uploadUrl: tusUrl,
      headers: { authorization: `Upload ${token}` },
      uploadSize: size,
      chunkSize: 64 * 1024 * 1024,
      onSuccess: () => resolve(),
      onError: reject,
    }).start();
  });
}
