import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { lexicographicSortSchema, printSchema } from 'graphql';
import { schema } from './schema.ts';

export const schemaFile = path.resolve(import.meta.dirname, '../../schema.graphql');

/** The schema as `schema.graphql` holds it: in alphabetical order, so that a change shows as its own lines. */
export function printedSchema(): string {
  return `${printSchema(lexicographicSortSchema(schema))}\n`;
}

if (import.meta.main) writeFileSync(schemaFile, printedSchema());
