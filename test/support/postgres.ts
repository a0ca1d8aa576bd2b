import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { prepareDataDir } from '../../src/platform/data-dir.ts';
import { createLogger } from '../../src/platform/log.ts';
import { openCluster, readPassword, serverUser } from '../../src/platform/postgres-cluster.ts';
import { findPostgres, spawnPostgres } from '../../src/platform/postgres-programs.ts';
import { freePort } from './free-port.ts';

/** A PostgreSQL of its own on a port that stays the same, which may be stopped and started again. */
export interface PostgresServer {
  readonly url: string;
  /** Where its data lies. */
  readonly folder: string;
  start(): Promise<void>;
  /** As a power cut would. */
  crash(): Promise<void>;
  /** Stops it for good. */
  remove(): Promise<void>;
}

export async function aPostgresServer(): Promise<PostgresServer> {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'gatehouse-postgres-'));
  prepareDataDir(dataDir);
  const [programs, port] = [await findPostgres(), await freePort()];
  const folder = await openCluster({ dataDir, programs, log: createLogger('warn'), fast: true });
  const url = `postgresql://${serverUser}:${await readPassword(folder)}@127.0.0.1:${port}/postgres`;
  const settings = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'fsync=off'];
  const flags = ['-D', folder, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])];
  let server: ChildProcess | null = null;
  const crash = async () => {
    const exit = server && once(server, 'exit');
    server?.kill('SIGQUIT');
    await exit;
    server = null;
  };
  const start = async () => {
    server = spawnPostgres(programs.postgres, flags, { account: programs.account, folder });
    server.stderr?.resume();
    while (!(await answers(url))) await delay(50);
  };
  await start();
  return {
    url,
    folder,
    start,
    crash,
    async remove() {
      if (server) await crash();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  return client.connect().then(
    () => client.end().then(() => true),
    () => false,
  );
}
