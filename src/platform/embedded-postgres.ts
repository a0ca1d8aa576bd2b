import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { prepareDataDir } from './data-dir.ts';
import type { Logger } from './log.ts';
import { findCluster, openCluster, serverUser, sweepDrafts } from './postgres-cluster.ts';
import { findPostgres, letGo } from './postgres-programs.ts';
import { connectServer, type Launch, launchServer, type Server, stopServer } from './postgres-server.ts';
import { StartupError } from './startup-error.ts';

export interface EmbeddedPostgres {
  readonly url: string;
  /** Stops the server within seconds; calling it again is the same stop. */
  stop(): Promise<void>;
}

export interface EmbeddedPostgresOptions {
  readonly dataDir: string;
  readonly log: Logger;
  /** For tests: nothing waits for the disk, and a power cut may lose everything. */
  readonly fast?: boolean;
}

const databaseName = 'gatehouse';
const startTimeoutMs = 60_000;
const pollMs = 50;
const retryMs = 300;
// A session lock in the server's `postgres` database, held for life by the program that the server belongs to. When that
// program dies, however it dies, the lock falls, and the next program takes over the server that was left running.
const ownerLock = 7_146_001;

/**
 * Starts PostgreSQL in `<dataDir>/postgres` on a free loopback port, or takes over one that a killed program left.
 * @throws StartupError when another program lives on this data folder, or PostgreSQL does not start.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { dataDir, log, fast = false } = options;
  prepareDataDir(dataDir);
  const programs = await findPostgres();
  const folder = await openCluster({ dataDir, programs, log, fast });
  const server = await ownServer(dataDir, folder, () => launchServer(folder, programs, { log, fast }));
  await makeDatabase(server.client);
  await sweepDrafts(dataDir);
  return lifeOf(server, log);
}

/** The URL of the database of the program that runs on this data folder; null when none does. */
export async function runningDatabaseUrl(dataDir: string): Promise<string | null> {
  const folder = await findCluster(dataDir);
  const server = folder && (await connectServer(folder));
  if (!server) return null;
  const owner = await server.client.query(
    `SELECT 1 FROM pg_locks JOIN pg_database d ON d.oid = database
      WHERE locktype = 'advisory' AND d.datname = current_database() AND objid = $1`,
    [ownerLock],
  );
  await server.client.end();
  return owner.rowCount ? urlOf(server) : null;
}

async function ownServer(dataDir: string, folder: string, start: () => Promise<Launch>): Promise<Server> {
  let launch: Launch | null = null;
  for (const deadline = Date.now() + startTimeoutMs; Date.now() < deadline; await delay(pollMs)) {
    const server = await connectServer(folder);
    const isOurs = server && (await takeLock(server.client));
    if (server && isOurs !== null) endRival(launch, server);
    if (server && isOurs) return server;
    if (server && isOurs === false) return refuse(server, launch, dataDir);
    if (launch?.failure) await judge(launch.failure);
    if (!launch || launch.failure) launch = await start();
  }
  throw new StartupError(`PostgreSQL does not start in ${folder}. ${launch?.failure?.message ?? ''}`);
}

// Another program's server was quicker: ours, should it still be on its way, must not come up beside it.
function endRival(launch: Launch | null, server: Server): void {
  if (launch && launch.child.pid !== server.pid) launch.child.kill('SIGINT');
}

/** Null when the server went away meanwhile. */
async function takeLock(client: pg.Client): Promise<boolean | null> {
  const answer = client.query<{ taken: boolean }>('SELECT pg_try_advisory_lock($1) AS taken', [ownerLock]);
  return answer.then(
    ({ rows }) => rows[0]?.taken ?? null,
    () => null,
  );
}

async function refuse(server: Server, launch: Launch | null, dataDir: string): Promise<never> {
  await server.client.end();
  // When two programs start together, the one that starts the server need not be the one that gets it.
  if (launch) letGo(launch.child);
  throw new StartupError(
    `Another Gatehouse program is running on the data folder ${dataDir}.\n` +
      'Stop it first, or give this one a folder of its own with DATA_DIR. Programs that share a database need DATABASE_URL.',
  );
}

// Another server on its way up or down on the same folder, or a port that was free a moment ago, is worth another try.
async function judge(failure: Error): Promise<void> {
  const passes = /lock file|shared memory block|Address already in use/.test(failure.message);
  if (!passes) throw new StartupError(`PostgreSQL does not start: ${failure.message}`);
  await delay(retryMs);
}

async function makeDatabase(client: pg.Client): Promise<void> {
  const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [databaseName]);
  if (!rowCount) await client.query(`CREATE DATABASE ${databaseName}`);
}

function lifeOf(server: Server, log: Logger): EmbeddedPostgres {
  let stopping: Promise<void> | null = null;
  keepLock(server, () => stopping !== null, log);
  return {
    url: urlOf(server),
    stop: () => {
      stopping ??= stopServer(server);
      return stopping;
    },
  };
}

// When a server process crashes PostgreSQL ends every session and goes on, and so must the lock.
function keepLock(server: Server, isStopping: () => boolean, log: Logger): void {
  server.client.once('end', async () => {
    if (isStopping()) return;
    log.error('the connection to the embedded PostgreSQL was lost');
    let again: Server | null = null;
    while (!again && !isStopping()) {
      await delay(1_000);
      again = await connectServer(server.folder);
    }
    if (again) await takeLock(again.client);
    if (again) keepLock(again, isStopping, log);
  });
}

function urlOf({ password, port }: Server): string {
  return `postgresql://${serverUser}:${password}@127.0.0.1:${port}/${databaseName}`;
}
