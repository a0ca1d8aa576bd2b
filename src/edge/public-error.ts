import { GraphQLError, Kind } from 'graphql';
import { AppError, BadUserInput, ServiceUnavailable } from '../errors.ts';
import type { Logger } from '../platform/log.ts';
import { isOutage } from './outage.ts';
import { badRequest } from './request-parameters.ts';
import { isUnstorableText } from './unstorable-text.ts';

/** Where what the client must not see is written down. */
export interface ErrorLog {
  readonly log: Logger;
  readonly requestId: string;
}

/**
 * The only translator of what was thrown into what a client reads: an AppError as it says itself, a mistake in document
 * or variables without the value that was sent, a text that no database keeps as BAD_USER_INPUT, a lost one as
 * SERVICE_UNAVAILABLE. Anything else is a bug: INTERNAL
 * with the request id, logged with its cause.
 */
export function publicError(thrown: unknown, { log, requestId }: ErrorLog): GraphQLError {
  const cause = causeOf(thrown);
  const refusal = refusalOf(cause);
  if (refusal?.cause) log.warn({ err: refusal.cause, requestId }, 'something we stand on does not answer');
  if (refusal) return located(thrown, refusal.message, { ...refusal.details, code: refusal.code });
  log.error(
    { err: cause, requestId, path: thrown instanceof GraphQLError ? thrown.path : undefined },
    'an operation failed',
  );
  return located(thrown, 'Something went wrong on our side.', { code: 'INTERNAL', requestId });
}

/** A mistake that validation found. Literals of the document stay out of the message; the place says which is meant. */
export function validationError(error: GraphQLError): GraphQLError {
  const node = error.nodes?.[0];
  const isAboutValue = node !== undefined && valueKinds.has(node.kind);
  const message = isAboutValue ? 'A value in the document does not fit its type.' : error.message;
  return located(error, message, { code: 'GRAPHQL_VALIDATION_FAILED' });
}

/** The code that a client reads. */
export function codeOf(error: GraphQLError): string {
  return String(error.extensions.code);
}

const valueKinds: ReadonlySet<string> = new Set([
  Kind.INT,
  Kind.FLOAT,
  Kind.STRING,
  Kind.BOOLEAN,
  Kind.ENUM,
  Kind.NULL,
  Kind.LIST,
  Kind.OBJECT,
]);

/** The error inside those that GraphQL wraps around it to say where it happened, or which variable it is about. */
function causeOf(thrown: unknown): unknown {
  let error = thrown;
  while (error instanceof GraphQLError && error.originalError && !variableOf(error)) error = error.originalError;
  return error;
}

function variableOf(error: GraphQLError): string | null {
  const node = error.nodes?.[0];
  return node?.kind === Kind.VARIABLE_DEFINITION ? node.variable.name.value : null;
}

function refusalOf(cause: unknown): AppError | null {
  if (cause instanceof AppError) return cause;
  if (isUnstorableText(cause)) return new BadUserInput('A text holds a character that cannot be kept, such as NUL.');
  if (isOutage(cause)) return new ServiceUnavailable(undefined, { cause });
  return cause instanceof GraphQLError ? clientMistake(cause) : null;
}

/** What the GraphQL library itself finds wrong in a request before or while it runs; null when the fault is ours. */
function clientMistake(error: GraphQLError): AppError | null {
  if (error.message.startsWith('Syntax Error'))
    return new AppError('GRAPHQL_PARSE_FAILED', withoutToken(error.message));
  const variable = variableOf(error);
  if (variable) return new BadUserInput(aboutVariable(error.message, variable));
  const argument = /^Argument "(\w+)"/.exec(error.message)?.[1];
  if (argument) return new BadUserInput(`Argument "${argument}" has no value that fits its type.`);
  // Yoga's own, about what makes a request over HTTP.
  const http = error.extensions.http as { status: number; headers?: Record<string, string> } | undefined;
  return http ? badRequest(http.status, error.message, http.headers) : null;
}

/** "… found String "hunter2"." becomes "… found String." */
function withoutToken(message: string): string {
  return message.replace(/((?:found|Unexpected) (?:Name|Int|Float|String|BlockString|Comment)) ".*$/s, '$1.');
}

function aboutVariable(message: string, name: string): string {
  if (!message.includes('got invalid value')) return message;
  const place = new RegExp(` at "(${name}(?:\\.\\w+|\\[\\d+\\])+)"; `).exec(message)?.[1];
  return `Variable "$${name}" has a value that does not fit its type${place ? ` at "${place}"` : ''}.`;
}

function located(thrown: unknown, message: string, extensions: Record<string, unknown>): GraphQLError {
  if (!(thrown instanceof GraphQLError)) return new GraphQLError(message, { extensions });
  const { nodes, source, positions, path } = thrown;
  return new GraphQLError(message, { nodes, source, positions, path, extensions });
}
