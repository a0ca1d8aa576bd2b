import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { print } from 'graphql';

/** Where the API is. The same host as this page's, or one of the same site: else browsers keep the cookie back. */
export const apiUrl: string = import.meta.env.VITE_API_URL;

const timeoutMs = 10_000;

/** Sends one operation past Apollo Client, which must not wait for a token in order to get one. @throws what went wrong */
export async function post<Data>(document: TypedDocumentNode<Data, Record<string, never>>): Promise<Data> {
  const response = await fetch(`${apiUrl}/graphql`, {
    method: 'POST',
    credentials: 'include',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: print(document) }),
    signal: AbortSignal.timeout(timeoutMs),
  });
  const { data, errors } = (await response.json()) as { data?: Data; errors?: { message: string }[] };
  if (!data || errors) throw new Error(errors?.[0]?.message ?? `The API answered ${response.status}.`);
  return data;
}
