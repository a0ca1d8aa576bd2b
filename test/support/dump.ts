import type { TestApp } from './world.ts';

/** Every value of every row of the database, or of one schema, as lines `table.column = value`. */
export async function dumpDatabase(app: TestApp, schema?: string): Promise<string> {
  const { db } = app.platform;
  const columns = await db.$queryRaw<{ schema: string; table: string; column: string }[]>`
    SELECT c.table_schema AS schema, c.table_name AS "table", c.column_name AS "column"
    FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
    WHERE t.table_type = 'BASE TABLE' AND c.table_schema NOT IN ('pg_catalog', 'information_schema')
      AND (c.table_schema = ${schema ?? null} OR ${schema ?? null}::text IS NULL)`;
  const lines: string[] = [];
  for (const { schema, table, column } of columns) {
    const rows = await db.$queryRawUnsafe<{ value: string | null }[]>(
      `SELECT "${column}"::text AS value FROM "${schema}"."${table}" WHERE "${column}" IS NOT NULL`,
    );
    for (const { value } of rows) lines.push(`${table}.${column} = ${value}`);
  }
  return lines.join('\n');
}
