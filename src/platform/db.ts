import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import type { Ctx } from '../context.ts';
import { Prisma, PrismaClient } from '../generated/prisma/client.ts';
import type { Logger } from './log.ts';
import type { Telemetry } from './telemetry.ts';
import { createTracedPool } from './traced-pool.ts';

export type Db = Prisma.TransactionClient;
export type RootDb = PrismaClient;

/**
 * The hottest reads go straight to the pool as prepared statements, which costs a sixth of Prisma's raw query. Each sees
 * what is committed, never the caller's own transaction. A name belongs to one text for good.
 */
export type Read = <Row extends pg.QueryResultRow>(statement: {
  name: string;
  text: string;
  values: unknown[];
}) => Promise<Row[]>;

const poolSize = 20;
const preparedMax = 200;
const unnamed = '';
const serializationFailures = new Set(['P2034', '40001', '40P01']);
const attemptsMax = 3;

/** The one client, over one pool whose waits all end. */
export function connectDb(
  databaseUrl: string,
  log: Logger,
  telemetry: Telemetry | null = null,
): { db: RootDb; read: Read } {
  const config: pg.PoolConfig = {
    connectionString: databaseUrl,
    max: poolSize,
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 30_000,
    statement_timeout: 15_000,
    keepAlive: true,
  };
  const pool = telemetry ? createTracedPool(config, telemetry.tracer) : new pg.Pool(config);
  pool.on('error', (error) => log.warn({ err: error }, 'an idle database connection was lost'));
  const adapter = new PrismaPg(pool, { disposeExternalPool: true, statementNameGenerator: statementNamer() });
  // In any other format Prisma takes a stack trace for each call.
  const db = new PrismaClient({
    adapter,
    errorFormat: 'minimal',
    transactionOptions: { maxWait: 5_000, timeout: 10_000 },
  });
  return { db, read: async (statement) => (await pool.query(statement)).rows };
}

/** Prepares what is asked often once on each connection. Clients choose columns, so the number of texts has no end of its own. */
function statementNamer(): (query: { sql: string }) => string {
  const names = new Map<string, string>();
  return ({ sql }) => {
    if (!names.has(sql) && names.size < preparedMax) names.set(sql, `prisma-${names.size}`);
    return names.get(sql) ?? unnamed;
  };
}

/**
 * Runs `work` in one transaction, or joins the caller's. The ctx given to `work` is a copy that carries it.
 * Serialization failures and deadlocks are tried again from the start, so `work` does nothing but write to the database.
 */
export async function transact<T>(ctx: Ctx, work: (ctx: Ctx) => Promise<T>): Promise<T> {
  if (!isRoot(ctx.db)) return work(ctx);
  for (let attempt = 1; ; attempt += 1) {
    const commitHooks: (() => void)[] = [];
    try {
      const result = await ctx.db.$transaction((tx) => work({ ...ctx, db: tx, commitHooks }));
      for (const hook of commitHooks) hook();
      return result;
    } catch (error) {
      if (attempt >= attemptsMax || !isSerializationFailure(error)) throw error;
    }
  }
}

/**
 * Tells others what has changed, once it has: after the commit of the caller's transaction, at once without one. A
 * process that dies in between has told nobody, so whoever listens must also find out by itself.
 */
export function afterCommit(ctx: Ctx, hook: () => void): void {
  if (ctx.commitHooks) ctx.commitHooks.push(hook);
  else hook();
}

function isRoot(db: Db): db is RootDb {
  return '$connect' in db;
}

/** A raw statement's error has a code of its own around PostgreSQL's. */
function isSerializationFailure(error: unknown): boolean {
  if (!(error instanceof Prisma.PrismaClientKnownRequestError)) return false;
  return serializationFailures.has(error.code) || serializationFailures.has(driverCause(error)?.originalCode ?? '');
}

/** What the driver adapter has understood of PostgreSQL's error. */
function driverCause(error: Prisma.PrismaClientKnownRequestError) {
  type Cause = { originalCode?: string; constraint?: { index?: string } };
  return (error.meta?.driverAdapterError as { cause?: Cause } | undefined)?.cause;
}

/** The violated unique index, named as in the migrations; null for any other error. */
export function uniqueViolation(error: unknown): string | null {
  if (!(error instanceof Prisma.PrismaClientKnownRequestError) || error.code !== 'P2002') return null;
  return driverCause(error)?.constraint?.index ?? '';
}
