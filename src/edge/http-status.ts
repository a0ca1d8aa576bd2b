import type { ExecutionResult, GraphQLError } from 'graphql';

interface Status {
  readonly status: number;
  /** GraphQL over HTTP wants this status with application/graphql-response+json alone, and 200 with application/json. */
  readonly spec?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * An operation that was refused whole says so in its status; Yoga reads it from the errors and takes it out of them.
 * One that ran, whatever its fields say, is 200.
 */
export function withStatus(result: ExecutionResult): ExecutionResult {
  if ('data' in result || !result.errors) return result;
  for (const { extensions } of result.errors as GraphQLError[]) extensions.http ??= statusOf(extensions);
  return result;
}

/** The status of a request that was refused whole with these extensions. */
export function statusOf({ code, retryAfterSeconds = 1 }: Record<string, unknown>): Status {
  const headers = { 'retry-after': String(retryAfterSeconds) };
  if (code === 'UNAUTHENTICATED') return { status: 401, headers: { 'www-authenticate': 'Bearer' } };
  if (code === 'RATE_LIMITED') return { status: 429, headers };
  if (code === 'SERVICE_UNAVAILABLE') return { status: 503, headers };
  if (code === 'INTERNAL') return { status: 500 };
  if (code === 'NOT_FOUND') return { status: 404, spec: true };
  if (code === 'CONFLICT') return { status: 409, spec: true };
  return { status: code === 'FORBIDDEN' ? 403 : 400, spec: true };
}
