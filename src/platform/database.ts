import pg from 'pg';
import type { Config } from '../config.ts';
import { runningDatabaseUrl, startEmbeddedPostgres } from './embedded-postgres.ts';
import type { Logger } from './log.ts';
import { reasonOf, StartupError } from './startup-error.ts';

export interface Database {
  readonly url: string;
  /** Stops what was started for it, within seconds. */
  close(): Promise<void>;
}

const connectTimeoutMs = 5_000;

/**
 * The database of the program: the configured server, or an embedded one that lives until `close`.
 * @throws StartupError when there is none to be had.
 */
export async function openDatabase(config: Config, log: Logger): Promise<Database> {
  if (config.databaseUrl) return configuredDatabase(config.databaseUrl);
  const { url, stop } = await startEmbeddedPostgres({ dataDir: config.dataDir, log });
  return { url, close: stop };
}

/** The database of a command: that of a program that runs on the same data folder, else as `openDatabase`. */
export async function borrowDatabase(config: Config, log: Logger): Promise<Database> {
  const url = await findDatabase(config);
  return url ? { url, close: async () => undefined } : openDatabase(config, log);
}

/** The URL of the database in use; null when it is an embedded one and does not run. */
export async function findDatabase(config: Config): Promise<string | null> {
  return config.databaseUrl ?? (await runningDatabaseUrl(config.dataDir));
}

async function configuredDatabase(url: string): Promise<Database> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: connectTimeoutMs });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.end();
  } catch (error) {
    const { host, pathname } = new URL(url);
    throw new StartupError(`The database ${host}${pathname} of DATABASE_URL cannot be used: ${reasonOf(error)}`);
  }
  return { url, close: async () => undefined };
}
