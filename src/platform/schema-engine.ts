import { randomUUID } from 'node:crypto';
import fs from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { PrismaPg } from '@prisma/adapter-pg';
import {
  bindMigrationAwareSqlAdapterFactory,
  ColumnTypeEnum,
  type SqlDriverAdapter,
  type SqlQuery,
} from '@prisma/driver-adapter-utils';
import * as engineModule from '@prisma/schema-engine-wasm/schema_engine_bg';
import pg from 'pg';
import { withConnection } from './connection.ts';

export type SchemaEngine = engineModule.SchemaEngine;

// TypeScript describes it only for browsers.
declare const WebAssembly: {
  instantiate(code: Uint8Array, imports: object): Promise<{ instance: { exports: Record<string, unknown> } }>;
};

const charOid = 18;
let loading: Promise<void> | null = null;

/**
 * Runs `work` with Prisma's own schema engine, as WebAssembly: no download, no second program, the same rules and the
 * same `_prisma_migrations` table as its command line.
 */
export async function withSchemaEngine<T>(databaseUrl: string, work: (engine: SchemaEngine) => Promise<T>): Promise<T> {
  loading ??= loadEngine();
  await loading;
  const opened: SqlDriverAdapter[] = [];
  const open = async (url: string, afterwards?: () => Promise<void>) => {
    const adapter = await openAdapter(url, afterwards);
    opened.push(adapter);
    return adapter;
  };
  const factory = bindMigrationAwareSqlAdapterFactory({
    provider: 'postgres',
    adapterName: 'gatehouse',
    connect: () => open(databaseUrl),
    connectToShadowDb: async () => {
      const scratch = await createScratchDatabase(databaseUrl);
      return open(scratch.url, scratch.drop);
    },
  });
  let engine: SchemaEngine | null = null;
  try {
    engine = await engineModule.SchemaEngine.new({ datamodels: undefined }, () => undefined, factory);
    return await work(engine);
  } catch (error) {
    throw new Error(whatEngineSays(error), { cause: error });
  } finally {
    engine?.free();
    await Promise.all(opened.map((adapter) => adapter.dispose()));
  }
}

/** Runs `work` on an empty database beside the given one, and drops it. */
export async function withScratchDatabase<T>(
  databaseUrl: string,
  work: (scratchUrl: string) => Promise<T>,
): Promise<T> {
  const scratch = await createScratchDatabase(databaseUrl);
  try {
    return await work(scratch.url);
  } finally {
    await scratch.drop();
  }
}

// The message of its error is a heading, what happened, and a stack of its own that names the migration.
function whatEngineSays(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const migration = /migration_name="([^"]+)"/.exec(text)?.[1];
  const [said = text] = text.replace('external connector error\n', '').split(/\n\s+0: /);
  return migration ? `${migration}: ${said}` : said;
}

// The package's own entry needs a bundler to load the WebAssembly.
async function loadEngine(): Promise<void> {
  const entry = createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm');
  const file = path.join(path.dirname(entry), 'schema_engine_bg.wasm');
  const imports = { ...engineModule, ...idleTimers() };
  const { instance } = await WebAssembly.instantiate(await fs.readFile(file), { './schema_engine_bg.js': imports });
  engineModule.__wbg_set_wasm(instance.exports);
  // Where the engine reports that it is broken, which otherwise shows as "unreachable".
  const setMessage = (message: string) => {
    throw new Error(`Prisma's schema engine broke: ${message}`);
  };
  Object.assign(globalThis, { PRISMA_WASM_PANIC_REGISTRY: { set_message: setMessage } });
  (instance.exports.__wbindgen_start as () => void)();
}

// The engine never clears the ten seconds that it gives itself for its lock, and no program shall wait for them to end.
function idleTimers(): object {
  const setIdleTimeout = (run: () => void, timeoutMs: number) => setTimeout(run, timeoutMs).unref();
  const names = Object.keys(engineModule).filter((name) => name.startsWith('__wbg_setTimeout_'));
  return Object.fromEntries(names.map((name) => [name, setIdleTimeout]));
}

async function openAdapter(databaseUrl: string, afterwards = async () => {}): Promise<SqlDriverAdapter> {
  // The engine's lock and search path live in the session: one connection, for good.
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 1, idleTimeoutMillis: 0 });
  const charColumnsOf = noteCharColumns(pool);
  const adapter = await new PrismaPg(pool).connect();
  const queryRaw = adapter.queryRaw.bind(adapter);
  let closing: Promise<void> | null = null;
  return Object.assign(adapter, {
    queryRaw: async (query: SqlQuery) => {
      const result = await queryRaw(query);
      for (const column of charColumnsOf(result.rows)) result.columnTypes[column] = ColumnTypeEnum.Character;
      return result;
    },
    // Without parameters this is one simple query; the adapter's own way cuts the text at every semicolon, also inside
    // functions.
    executeScript: async (sql: string) => void (await adapter.executeRaw({ sql, args: [], argTypes: [] })),
    dispose: () => {
      closing ??= pool.end().then(afterwards);
      return closing;
    },
  });
}

// The adapter refuses PostgreSQL's internal type "char", which the engine reads from the catalogs. It is told that these
// columns are text, and the engine what they are.
function noteCharColumns(pool: pg.Pool): (rows: unknown[]) => readonly number[] {
  const charColumns = new WeakMap<unknown[], number[]>();
  const query = pool.query.bind(pool) as (input: unknown) => Promise<pg.QueryArrayResult>;
  const notingQuery = async (input: unknown) => {
    const result = await query(input);
    const fields = result.fields ?? [];
    const columns = fields.flatMap((field, column) => (field.dataTypeID === charOid ? [column] : []));
    for (const column of columns) Object.assign(fields[column] ?? {}, { dataTypeID: pg.types.builtins.TEXT });
    if (columns.length > 0) charColumns.set(result.rows, columns);
    return result;
  };
  pool.query = notingQuery as typeof pool.query;
  return (rows) => charColumns.get(rows) ?? [];
}

async function createScratchDatabase(databaseUrl: string): Promise<{ url: string; drop(): Promise<void> }> {
  const name = `scratch_${randomUUID().replaceAll('-', '')}`;
  const url = new URL(databaseUrl);
  url.pathname = `/${name}`;
  await execute(databaseUrl, `CREATE DATABASE ${name} TEMPLATE template0`);
  return { url: url.href, drop: () => execute(databaseUrl, `DROP DATABASE ${name} WITH (FORCE)`) };
}

async function execute(databaseUrl: string, sql: string): Promise<void> {
  await withConnection(databaseUrl, (client) => client.query(sql));
}
