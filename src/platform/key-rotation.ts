import type { RootDb } from './db.ts';
import { rewrap } from './envelope.ts';
import type { Keyring } from './keyring.ts';
import { placeIn, type SealedColumn, sealedColumns } from './sealed-columns.ts';
import { StartupError } from './startup-error.ts';

const pageSize = 200;
const columns = Object.keys(sealedColumns) as SealedColumn[];

export interface Rotation {
  /** Values that the current key wraps from now on. */
  readonly rewrapped: number;
  /** Values that the ring does not open, by column and row. */
  readonly unreadable: readonly string[];
}

interface SealedRow {
  readonly rowId: string;
  readonly ownerId: string;
  readonly sealed: string;
}

/**
 * Wraps every sealed value with the current key of the ring. Each value is a change of its own that is made only if
 * nobody changed the value meanwhile, so the rotation may be killed, run again, and run beside the program.
 */
export async function rotateKeys(db: RootDb, keyring: Keyring): Promise<Rotation> {
  let rewrapped = 0;
  const unreadable: string[] = [];
  for (const column of columns) {
    for await (const row of rowsUnderOtherKeys(db, keyring, column)) {
      const fresh = tryRewrap(keyring, column, row);
      if (fresh === null) unreadable.push(`${column} ${row.rowId}`);
      else rewrapped += await replace(db, column, { ...row, fresh });
    }
  }
  return { rewrapped, unreadable };
}

/** @throws StartupError when a sealed value names a key that is not in the ring: it could not be opened */
export async function requireKnownKeys(db: RootDb, keyring: Keyring): Promise<void> {
  const unknown = new Set<string>();
  for (const name of columns) {
    const { table, column } = placeIn(name, { rowId: '', ownerId: '' });
    const rows = await db.$queryRawUnsafe<{ id: string }[]>(
      `SELECT DISTINCT split_part(${column}, '.', 2) AS id FROM ${table} WHERE ${column} IS NOT NULL`,
    );
    for (const { id } of rows) if (!keyring.ids.includes(id)) unknown.add(id);
  }
  if (unknown.size === 0) return;
  throw new StartupError(
    `The database holds secrets under keys that KEYRING does not have: ${[...unknown].sort().join(', ')}.\nPut them back into KEYRING, behind the current one.`,
  );
}

/** By pages in the order of the key. The names in the SQL come from our own list. */
async function* rowsUnderOtherKeys(db: RootDb, keyring: Keyring, name: SealedColumn): AsyncGenerator<SealedRow> {
  const { table, column } = placeIn(name, { rowId: '', ownerId: '' });
  const { key, keyOf, rowId, ownerId } = sealedColumns[name];
  for (let after: string | null = null; ; ) {
    const page: SealedRow[] = await db.$queryRawUnsafe(
      `SELECT ${rowId} AS "rowId", ${ownerId} AS "ownerId", ${column} AS sealed FROM ${table}
       WHERE split_part(${column}, '.', 2) <> $1 ${after === null ? '' : `AND ${key} > ${keyOf('$2')}`}
       ORDER BY ${key} LIMIT ${pageSize}`,
      ...[keyring.currentId, ...(after === null ? [] : [after])],
    );
    yield* page;
    if (page.length < pageSize) return;
    after = page.at(-1)?.rowId ?? null;
  }
}

function tryRewrap(keyring: Keyring, name: SealedColumn, { rowId, ownerId, sealed }: SealedRow): string | null {
  try {
    return rewrap(keyring, placeIn(name, { rowId, ownerId }), sealed);
  } catch {
    return null;
  }
}

/** @returns 1, or 0 when the value was changed meanwhile */
function replace(db: RootDb, name: SealedColumn, { rowId, sealed, fresh }: SealedRow & { fresh: string }) {
  const { table, column } = placeIn(name, { rowId: '', ownerId: '' });
  const { key, keyOf } = sealedColumns[name];
  return db.$executeRawUnsafe(
    `UPDATE ${table} SET ${column} = $1 WHERE ${key} = ${keyOf('$2')} AND ${column} = $3`,
    fresh,
    rowId,
    sealed,
  );
}
