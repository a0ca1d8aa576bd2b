import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { cloneDatabase } from './support/database.ts';
import { endPrograms, runProgram } from './support/program.ts';

vi.setConfig({ testTimeout: 120_000 });
const patience = { timeout: 60_000 };

let folder: string;
let dataDir: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'gatehouse-start-'));
  // Open, so that also for root the databases are inside and are removed with it.
  await chmod(folder, 0o755);
  dataDir = path.join(folder, 'data');
});
afterEach(endPrograms);
afterAll(() => rm(folder, { recursive: true, force: true }));

const start = (environment: Record<string, string> = {}, words: string[] = []) =>
  runProgram('src/main.ts', { PORT: '0', DATA_DIR: dataDir, ...environment }, words);

/** Starts the program, which must give up; what it then says is all that it says. */
async function refusalOf(environment: Record<string, string>, words: string[] = []): Promise<string> {
  const program = start(environment, words);
  expect(await program.exit).toBe(1);
  expect(program.stdout()).not.toContain('ready');
  expect(program.stderr()).not.toMatch(/^\s+at /m);
  return program.stderr();
}

const databasePid = () => Number(readFileSync(path.join(dataDir, 'postgres/postmaster.pid'), 'utf8').split('\n')[0]);

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function askRunningDatabase(sql: string): Promise<unknown[]> {
  const command = runProgram('src/commands/database-url.ts', { DATA_DIR: dataDir });
  expect(await command.exit).toBe(0);
  const client = new pg.Client({ connectionString: command.stdout().trim() });
  await client.connect();
  const { rows } = await client.query(sql);
  await client.end();
  return rows;
}

describe('npm start with an empty environment', () => {
  test('serves what it says one should try first, and leaves nothing running', async () => {
    const program = start();
    const url = await program.ready();
    const welcome = await vi.waitUntil(() => program.stderr(), patience);
    expect(welcome).toContain(`${url}/graphql`);
    expect(welcome).toContain(`${url}/dev/mailbox`);

    const query = /mutation \{.*?\n {2}\}/s.exec(welcome)?.[0];
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query }),
    });
    expect(await response.json()).toEqual({ data: { register: { __typename: 'RegistrationPending' } } });
    expect((await fetch(`${url}/dev/mailbox`)).status).toBe(200);

    const database = databasePid();
    expect(isAlive(database)).toBe(true);
    program.kill('SIGTERM');
    expect(await program.exit).toBe(0);
    expect(program.stdout()).not.toContain('was cut off');
    expect(isAlive(database)).toBe(false);
  });

  test('keeps what it generates to its owner', () => {
    const secrets = ['keyring', 'signing-keys.json', 'postgres/gatehouse-password'];
    expect(secrets.map((file) => statSync(path.join(dataDir, file)).mode & 0o077)).toEqual([0, 0, 0]);
  });

  test('has its data folder to itself, and takes over the database of a program that was killed', async () => {
    const rivals = [start(), start()];
    const loser = await Promise.race(rivals.map((rival) => rival.exit.then(() => rival)));
    expect(await loser.exit).toBe(1);
    expect(loser.stderr()).toMatch(`Another Gatehouse program is running on the data folder ${dataDir}`);
    const winner = rivals.find((rival) => rival !== loser) ?? loser;
    expect((await fetch(`${await winner.ready()}/health/ready`)).status).toBe(200);

    const database = databasePid();
    winner.kill('SIGKILL');
    await winner.exit;
    const second = start();
    await second.ready();
    expect(databasePid()).toBe(database);
    expect(await askRunningDatabase('SELECT email FROM users')).toEqual([{ email: 'you@example.com' }]);

    second.kill('SIGINT');
    second.kill('SIGINT');
    expect(await second.exit).toBe(0);
    // It is no child of ours: whoever collects orphans may take a moment.
    await vi.waitUntil(() => !isAlive(database), patience);
  });

  test('is not misled by the lock file of a server that is gone, when another process has its number', async () => {
    const lock = [process.pid, dataDir, 0, 1, '', '127.0.0.1', '', 'ready'].join('\n');
    await writeFile(path.join(dataDir, 'postgres/postmaster.pid'), lock, { mode: 0o644 });
    const program = start();
    await program.ready();
    program.kill('SIGTERM');
    expect(await program.exit).toBe(0);
  });

  test('survives being stopped and being killed during its first start', async () => {
    const environment = { DATA_DIR: path.join(folder, 'interrupted') };
    const entries = () => (existsSync(environment.DATA_DIR) ? readdirSync(environment.DATA_DIR).length : 0);
    const exitAfter = async (signal: NodeJS.Signals) => {
      const entriesBefore = entries();
      const program = start(environment);
      await Promise.race([vi.waitUntil(() => entries() > entriesBefore, patience), program.exit]);
      program.kill(signal);
      return { code: await program.exit, said: program.stderr() };
    };
    expect(await exitAfter('SIGKILL')).toMatchObject({ code: null });
    const stopped = await exitAfter('SIGTERM');
    expect(stopped, stopped.said).toMatchObject({ code: 0 });

    const program = start(environment);
    await program.ready();
    program.kill('SIGTERM');
    expect(await program.exit).toBe(0);
  });
});

describe('npm start with DATABASE_URL', () => {
  test('runs roles apart on that server, with keys that they share', async () => {
    const database = await cloneDatabase();
    const environment = { DATABASE_URL: database.url, DATA_DIR: path.join(folder, 'shared') };
    const programs = [start(environment, ['api']), start(environment, ['worker'])];
    const urls = await Promise.all(programs.map((program) => program.ready()));

    expect(urls).toEqual([expect.any(String), null]);
    const { keys } = JSON.parse(readFileSync(path.join(environment.DATA_DIR, 'signing-keys.json'), 'utf8'));
    const published = await fetch(`${urls[0]}/.well-known/jwks.json`);
    expect(await published.json()).toMatchObject({ keys: [{ kid: keys[0].kid }] });
    expect(readdirSync(environment.DATA_DIR)).not.toContain('postgres');

    for (const program of programs) program.kill('SIGTERM');
    expect(await Promise.all(programs.map((program) => program.exit))).toEqual([0, 0]);
    await database.drop();
  });

  test('says when the server cannot be reached, without the password', async () => {
    const said = await refusalOf({ DATABASE_URL: 'postgresql://someone:hunter2@127.0.0.1:1/somewhere' });
    expect(said).toMatch(/^The database 127\.0\.0\.1:1\/somewhere of DATABASE_URL cannot be used: .*ECONNREFUSED/);
    expect(said).not.toContain('hunter2');
  });
});

describe('npm start refuses in one message', () => {
  test('a port that is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    expect(await refusalOf({ PORT: String(port) })).toContain(
      `port ${port} of 127.0.0.1: another program listens there`,
    );
    expect(existsSync(path.join(dataDir, 'postgres/postmaster.pid'))).toBe(false);
    other.close();
  });

  test('a data folder that it cannot write', async () => {
    const file = path.join(folder, 'file');
    await writeFile(file, '');
    expect(await refusalOf({ DATA_DIR: path.join(file, 'data') })).toContain(`${file}/data cannot be written`);
  });

  test('every mistake in the environment, and all that production lacks', async () => {
    const said = await refusalOf({ NODE_ENV: 'production', PORT: 'four', GRAPHIQL: 'perhaps' });
    const lacking = ['DATABASE_URL', 'PUBLIC_APP_URL', 'KEYRING', 'SIGNING_KEYS', 'SMTP_URL'];
    expect(said.match(/(?<=^ {2}- )\w+/gm)).toEqual(['PORT', 'GRAPHIQL', ...lacking]);
  });

  test('a role that does not exist', async () => {
    expect(await refusalOf({}, ['everything'])).toMatch(/^Usage: npm start/);
  });
});
