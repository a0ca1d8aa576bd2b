import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { Config } from '../config.ts';
import { AppError, Forbidden } from '../errors.ts';
import { StartupError } from '../platform/startup-error.ts';

/** What a request says of its document: the text, or an id of the manifest. */
export interface DocumentReference {
  readonly query: string;
  readonly extensions: Record<string, unknown> | null;
}

/** Gives the text of the document that a request means. */
export type DocumentReader = (reference: DocumentReference) => string;

const byId = z.record(z.string(), z.string()).transform((documents) => new Map(Object.entries(documents)));
const apollo = z
  .object({
    format: z.literal('apollo-persisted-query-manifest'),
    operations: z.array(z.object({ id: z.string(), body: z.string() })),
  })
  .transform(({ operations }) => new Map(operations.map(({ id, body }) => [id, body])));

/**
 * Null where no manifest is asked for. Reads one that GraphQL Code Generator's client preset (`persistedDocuments`) or
 * Apollo's generator has written.
 * @throws StartupError when the manifest that is asked for cannot be read
 */
export function documentReader({ trustedDocuments: { mode, file } }: Config): DocumentReader | null {
  if (mode === 'off') return null;
  const documents = readManifest(file);
  const texts = new Set(documents.values());
  return ({ query, extensions }) => {
    const id = idIn(extensions ?? {});
    if (id !== null && query === '') return documents.get(id) ?? refuseUnknown();
    return mode === 'also' || texts.has(query) ? query : refuseText();
  };
}

/** `documentId` of GraphQL over HTTP, with or without `sha256:`, or the hash that Apollo's clients send. */
function idIn({ documentId, persistedQuery }: Record<string, unknown>): string | null {
  const id = documentId ?? (persistedQuery as { sha256Hash?: unknown } | null)?.sha256Hash;
  return typeof id === 'string' ? id.replace(/^sha256:/, '') : null;
}

function readManifest(file: string): Map<string, string> {
  try {
    return z.union([apollo, byId]).parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (cause) {
    throw new StartupError(`TRUSTED_DOCUMENTS_FILE: ${file} is no manifest of documents.`, { cause });
  }
}

function refuseUnknown(): never {
  throw new AppError('PERSISTED_QUERY_NOT_FOUND', 'No trusted document has this id.', { http: { status: 400 } });
}

function refuseText(): never {
  throw new Forbidden('Only the documents that the app was built with are answered here.');
}
