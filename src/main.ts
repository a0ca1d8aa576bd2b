import { setTimeout as delay } from 'node:timers/promises';
import { type App, type AppRole, startApp } from './app.ts';
import { reportFailure } from './commands/command.ts';
import { migrateDatabase } from './commands/migrate.ts';
import { type Config, readConfig } from './config.ts';
import { type Database, openDatabase } from './platform/database.ts';
import { createLogger } from './platform/log.ts';
import { reasonOf, StartupError } from './platform/startup-error.ts';
import { welcome } from './welcome.ts';

const usage = `Usage: npm start              the API and the worker in one program
       npm start -- api       the API alone
       npm start -- worker    the worker alone`;
const patienceMs = 6_000;
const forcedExitMs = 9_500;
// npm passes on a Ctrl-C that the terminal has already sent to all: these two are one.
const sameSignalMs = 1_000;

let database: Database | null = null;
let app: App | null = null;
let endingSince: number | null = null;
const haste = new AbortController();

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, onSignal);
const starting = start().catch((error: unknown) => {
  // What breaks while everything is closing is no failure to start.
  if (endingSince !== null) return;
  reportFailure(error);
  void end();
});

async function start(): Promise<void> {
  const roles = readRoles(process.argv.slice(2));
  const config = readConfig(process.env);
  const log = createLogger(config.logLevel);
  database = await openDatabase(config, log);
  await migrateDatabase(database.url);
  if (endingSince !== null) return;
  app = await startApp(config, { databaseUrl: database.url, roles, log }).catch((error) =>
    explainListening(error, config),
  );
  if (endingSince === null) tellReady(app.url, config);
}

function readRoles(words: string[]): AppRole[] {
  const [role, ...rest] = words;
  if (role === undefined) return ['api', 'worker'];
  if ((role === 'api' || role === 'worker') && rest.length === 0) return [role];
  throw new StartupError(usage);
}

function tellReady(url: string | null, config: Config): void {
  // Whoever waits for this line waits at any log level.
  createLogger('info').info({ url }, 'ready');
  if (url && !config.isProduction) process.stderr.write(welcome(url));
}

function explainListening(error: unknown, { server }: Config): never {
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (syscall !== 'listen' && syscall !== 'getaddrinfo') throw error;
  const reason = code === 'EADDRINUSE' ? 'another program listens there' : reasonOf(error);
  throw new StartupError(
    `The API cannot listen on port ${server.port} of ${server.host}: ${reason}.\nSet PORT (0 takes a free one) or HOST.`,
  );
}

function onSignal(): void {
  if (endingSince === null) void end();
  else if (Date.now() - endingSince > sameSignalMs) haste.abort();
}

// The last thing that ends ends the process too; whatever stays is cut off in time.
async function end(): Promise<void> {
  endingSince = Date.now();
  setTimeout(cutOff, forcedExitMs).unref();
  const impatience = delay(patienceMs, false, { ref: false, signal: haste.signal }).catch(() => false);
  const orderly = starting
    .then(() => app?.close())
    .catch(reportFailure)
    .then(() => true);
  const isOrderly = await Promise.race([orderly, impatience]);
  await database?.close();
  if (!isOrderly) cutOff();
}

function cutOff(): void {
  createLogger('warn').warn({ stillOpen: process.getActiveResourcesInfo() }, 'what was still running was cut off');
  process.exit();
}
