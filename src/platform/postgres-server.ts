import { type ChildProcess, execFile } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import type { Logger } from './log.ts';
import { readPassword, serverUser } from './postgres-cluster.ts';
import { endOf, type PostgresPrograms, spawnPostgres } from './postgres-programs.ts';

/** A running server on `folder`, with one open connection to its `postgres` database. */
export interface Server {
  readonly folder: string;
  readonly pid: number;
  readonly port: number;
  readonly password: string;
  readonly client: pg.Client;
}

export interface Launch {
  /** Set when the process has ended. */
  failure: Error | null;
  readonly child: ChildProcess;
}

const stopTimeoutMs = 3_000;
const pollMs = 25;
const run = promisify(execFile);

/** Starts a server process on `folder`; whether it comes up is seen by `connectServer` and by `failure`. */
export async function launchServer(
  folder: string,
  programs: PostgresPrograms,
  options: { log: Logger; fast: boolean },
): Promise<Launch> {
  const env = await unmaskLock(folder);
  const flags = ['-D', folder, '-p', String(await freePort()), ...settings(options.fast)];
  const child = spawnPostgres(programs.postgres, flags, { account: programs.account, folder, env });
  child.stderr?.on('data', (chunk: Buffer) =>
    options.log.debug({ postgres: chunk.toString().trimEnd() }, 'PostgreSQL'),
  );
  const launch: Launch = { failure: null, child };
  void endOf(child)
    .then(() => new Error('it was told to stop'))
    .catch((error: Error) => error)
    .then((failure) => {
      launch.failure = failure;
    });
  return launch;
}

/** Connects to the server that runs on `folder`; null when none does, or not yet, or not any more. */
export async function connectServer(folder: string): Promise<Server | null> {
  const lock = await readLock(folder);
  if (!lock) return null;
  const password = await readPassword(folder);
  const account = { host: '127.0.0.1', port: lock.port, user: serverUser, password };
  const client = new pg.Client({ ...account, database: 'postgres', connectionTimeoutMillis: 2_000 });
  // A connection that fails also ends, and its end is what counts.
  client.on('error', () => undefined);
  return client.connect().then(
    () => ({ folder, ...lock, password, client }),
    () => null,
  );
}

/** Ends the server in an orderly way, or after three seconds without one, which loses nothing that was committed. */
export async function stopServer(server: Server): Promise<void> {
  signalServer(server.pid, 'SIGINT');
  if (await hasEnded(server.pid)) return;
  signalServer(server.pid, 'SIGQUIT');
  await hasEnded(server.pid);
}

function signalServer(pid: number, signal: 'SIGINT' | 'SIGQUIT'): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function hasEnded(pid: number): Promise<boolean> {
  for (const deadline = Date.now() + stopTimeoutMs; Date.now() < deadline; await delay(pollMs)) {
    // Where nobody collects ended processes, one that we took over stays for ever, with an empty command.
    if (!isAlive(pid) || (await commandOf(pid)) === '') return true;
  }
  return false;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** PostgreSQL's own lock file: process id, folder, start, port, one a line. */
async function readLock(folder: string): Promise<{ pid: number; port: number } | null> {
  const text = await fs.readFile(path.join(folder, 'postmaster.pid'), 'utf8').catch(() => '');
  const lines = text.split('\n');
  const [pid, port] = [Number(lines[0]), Number(lines[3])];
  return pid > 0 && port > 0 ? { pid, port } : null;
}

// PostgreSQL takes any live process of its user for a server, and after a reboot or in a container the number in the lock
// file soon belongs to somebody else. It is told so as pg_ctl tells it of its own caller; to remove the file here could
// hit that of a server that starts at this moment.
async function unmaskLock(folder: string): Promise<Record<string, string>> {
  const lock = await readLock(folder);
  const command = lock && (await commandOf(lock.pid));
  return lock && command && !command.includes(folder) ? { PG_GRANDPARENT_PID: String(lock.pid) } : {};
}

async function commandOf(pid: number): Promise<string | null> {
  try {
    if (process.platform === 'linux') return await fs.readFile(`/proc/${pid}/cmdline`, 'utf8');
    return (await run('ps', ['-o', 'command=', '-p', String(pid)])).stdout;
  } catch {
    return null;
  }
}

function settings(fast: boolean): string[] {
  const always = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'max_connections=200', 'timezone=UTC'];
  // Statements and details of errors carry what people typed.
  const discreet = ['log_min_error_statement=panic', 'log_error_verbosity=terse'];
  const hasty = fast ? ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off'] : [];
  return [...always, ...discreet, ...hasty].flatMap((setting) => ['-c', setting]);
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
