import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ExecutionResult } from 'graphql';
import type { GraphQLParams } from 'graphql-yoga';

const json = 'application/json';
const graphqlJson = 'application/graphql-response+json';

/** What clients send as `Accept`, to the byte, and the type that they are answered in (GraphQL over HTTP). */
const typeByAccept: ReadonlyMap<string | undefined, string> = new Map([
  [undefined, json],
  ['*/*', json],
  [json, json],
  [graphqlJson, graphqlJson],
  // Apollo Client 4
  [`${graphqlJson},${json};q=0.9`, graphqlJson],
  // graphql-request
  [`${graphqlJson}, ${json}`, graphqlJson],
]);

/** The type of the answer to the usual POST; null for a request whose headers want more thought. */
export function plainTypeOf({ method, headers }: IncomingMessage): string | null {
  return method === 'POST' ? (typeByAccept.get(headers.accept) ?? null) : null;
}

/** Whether these are the parameters of an operation, and nothing else. */
export function isPlain(parameters: GraphQLParams | null): parameters is GraphQLParams & { query: string } {
  if (!isObjectOrNothing(parameters) || parameters === null) return false;
  const { query, operationName, variables, extensions, ...rest } = parameters;
  for (const _ in rest) return false;
  return typeof query === 'string' && isObjectOrNothing(variables) && isObjectOrNothing(extensions);
}

function isObjectOrNothing(value: unknown): boolean {
  return value === undefined || (typeof value === 'object' && !Array.isArray(value));
}

/** Sends the result of an operation in which nothing went wrong. */
export function sendPlain(response: ServerResponse, type: string, result: ExecutionResult): void {
  const body = JSON.stringify(result);
  response.setHeader('content-type', `${type}; charset=utf-8`);
  response.setHeader('content-length', Buffer.byteLength(body));
  response.end(body);
}
