import { inspect } from 'node:util';
import { type Config, ConfigError, readConfig } from '../config.ts';
import { borrowDatabase } from '../platform/database.ts';
import { createLogger } from '../platform/log.ts';
import { StartupError } from '../platform/startup-error.ts';

/** Runs a command to its end; what it cannot do is told on stderr, with exit code 1. */
export async function runCommand(work: (config: Config) => Promise<void>): Promise<void> {
  // An exit takes an embedded database along; dying of the signal would leave it running.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1));
  try {
    await work(readConfig(process.env));
  } catch (error) {
    reportFailure(error);
  }
}

/** Gives `work` the database of the running program, or starts it for as long as `work` takes. */
export async function withDatabase<T>(config: Config, work: (databaseUrl: string) => Promise<T>): Promise<T> {
  const database = await borrowDatabase(config, createLogger(config.logLevel, process.stderr));
  try {
    return await work(database.url);
  } finally {
    await database.close();
  }
}

/** Writes a line for the person who called the command. */
export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Tells on stderr why the program ends, and sets exit code 1. Only a bug shows its stack. */
export function reportFailure(error: unknown): void {
  const isForReading = error instanceof ConfigError || error instanceof StartupError;
  process.stderr.write(`${isForReading ? error.message : inspect(error)}\n`);
  process.exitCode = 1;
}
