import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { type GraphQLFormattedError, print } from 'graphql';

/** What the API refused as a whole; `code` is for programs, the message for people. */
export class ApiError extends Error {
  readonly code: string;
  readonly requestId: string | null;

  constructor(error: GraphQLFormattedError | undefined, response: Response) {
    super(error?.message ?? `The API answered ${response.status}.`);
    this.code = String(error?.extensions?.code ?? response.status);
    this.requestId = response.headers.get('x-request-id');
  }
}

export interface Api {
  /** Such as `http://127.0.0.1:4000`. */
  readonly url: string;
  /** An API key or an access token. */
  readonly token: string;
}

/** Sends one operation; the types of variables and result are those of the document. @throws ApiError */
export async function request<Data, Variables>(
  { url, token }: Api,
  document: TypedDocumentNode<Data, Variables>,
  variables: Variables,
): Promise<Data> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query: print(document), variables }),
    signal: AbortSignal.timeout(30_000),
  });
  const { data, errors } = (await response.json()) as { data?: Data | null; errors?: GraphQLFormattedError[] };
  if (!data || errors) throw new ApiError(errors?.[0], response);
  return data;
}
