import {
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  type GraphQLError,
  getOperationAST,
  OperationTypeNode,
} from 'graphql';
import { isAsyncIterable, mapAsyncIterator, type YogaServerInstance } from 'graphql-yoga';
import type { Cookies, RequestCtx } from '../context.ts';
import { BadUserInput, QuotaExceeded, ServiceUnavailable } from '../errors.ts';
import type { CallsLeft } from '../platform/call-leases.ts';
import type { Platform } from '../platform/platform.ts';
import { authenticate, type Credentials } from './authenticate.ts';
import { chargeOperation } from './charge.ts';
import type { CredentialWatch } from './credential-watch.ts';
import { assertAffordable, limits } from './limits.ts';
import { operationCost } from './operation-cost.ts';
import { noteOperation, type OperationRecord } from './operation-log.ts';
import { inEventTrace, inTrace, outsideTraces } from './operation-trace.ts';
import { codeOf, publicError, validationError } from './public-error.ts';
import { subscribePerEvent } from './subscription.ts';
import type { DocumentReader } from './trusted-documents.ts';

/** What every transport runs operations with. */
export interface Engine {
  readonly platform: Platform;
  /** Parses, validates and executes, with the plugins of Yoga. */
  readonly enveloped: Enveloped;
  readonly watch: CredentialWatch;
  /** Null where every document is answered, and only by its text. */
  readonly readDocument: DocumentReader | null;
}

type Enveloped = ReturnType<YogaServerInstance<object, object>['getEnveloped']>;
type Outcome = ExecutionResult | AsyncIterable<ExecutionResult>;

/** One operation as its transport hands it in. */
export interface OperationCall {
  readonly query: string;
  readonly operationName: string | null;
  readonly variables: Record<string, unknown> | null;
  /** Of the request: `cost: true` asks for what the operation costs, `documentId` names a trusted document. */
  readonly extensions: Record<string, unknown> | null;
  readonly credentials: Credentials;
  readonly cookies: Cookies;
  readonly record: OperationRecord;
  /** Aborted when the client goes away, which ends a query. A mutation runs to its end. */
  readonly signal: AbortSignal | undefined;
  /** Throws when the transport does not carry this type of operation. */
  readonly admit: (type: OperationTypeNode) => void;
  /** Hears what is left of the quota that the operation is charged to. */
  readonly tellCallsLeft: (calls: Pick<CallsLeft, 'limit' | 'remaining' | 'resetsAt'>) => void;
}

export interface PreparedOperation extends ExecutionArgs {
  readonly contextValue: RequestCtx;
  readonly type: OperationTypeNode;
  readonly cost: number;
  readonly call: OperationCall;
  readonly execute: Enveloped['execute'];
}

/**
 * Parses, authenticates, then judges the document: bad credentials refuse a request whole, whatever it says, and the
 * log knows name and user of all others. The errors are public ones.
 */
export async function prepareOperation(
  engine: Engine,
  call: OperationCall,
): Promise<PreparedOperation | GraphQLError[]> {
  const { parse, execute, schema } = engine.enveloped;
  const { operationName, variables: variableValues } = call;
  try {
    const parsed = attempt(() => parse(engine.readDocument?.(call) ?? call.query) as DocumentNode);
    if ('value' in parsed) noteOperation(call.record, parsed.value, operationName);
    const contextValue = await freshContext(engine, call);
    if ('failure' in parsed) throw parsed.failure;
    const document = parsed.value;
    const type = typeOf(document, operationName);
    call.admit(type);
    const mistakes = mistakesIn(document, engine);
    if (mistakes.length > 0) return refused(call.record, mistakes.map(validationError));
    const cost = operationCost(schema, { document, operationName, variables: variableValues });
    assertAffordable(cost);
    await charge(engine, call, { schema, document, operationName, actor: contextValue.actor });
    return { schema, document, operationName, variableValues, contextValue, type, cost, call, execute };
  } catch (error) {
    return refuseOperation(engine, call.record, error);
  }
}

/** Writes into the record why an operation does not run, and gives the public error. */
export function refuseOperation(
  { platform: { log } }: Engine,
  record: OperationRecord,
  reason: unknown,
): GraphQLError[] {
  return refused(record, [publicError(reason, { log, requestId: record.origin.requestId })]);
}

/** Runs what was prepared; its result, or each result of a stream, has public errors. Never throws. */
export async function executeOperation(engine: Engine, prepared: PreparedOperation): Promise<Outcome> {
  const { call, type } = prepared;
  const translate = (result: ExecutionResult) => withCost(prepared, withPublicErrors(engine, call, result));
  try {
    const isSubscription = type === OperationTypeNode.SUBSCRIPTION;
    const outcome: Outcome = await (isSubscription
      ? outsideTraces(call.record, () => subscribe(engine, prepared))
      : inTrace(call.record, () => executeInTime(prepared)));
    if (!isAsyncIterable(outcome)) return translate(outcome);
    call.record.outcome = 'ok';
    return mapAsyncIterator(outcome, translate);
  } catch (error) {
    // Nobody is there to read an answer.
    if (call.signal?.aborted) return {};
    return translate({ errors: [error as GraphQLError] });
  }
}

function subscribe(engine: Engine, prepared: PreparedOperation): Promise<Outcome> {
  const { call } = prepared;
  return subscribePerEvent(prepared, {
    freshContext: () => freshContext(engine, call),
    around: (event) => inEventTrace(engine.platform.telemetry, call.record, event),
  });
}

/** A query ends early when its client goes away, and when its time is over. */
async function executeInTime(prepared: PreparedOperation): Promise<Outcome> {
  const { call, type, execute } = prepared;
  if (type !== OperationTypeNode.QUERY) return execute(prepared);
  const ending = new AbortController();
  const leave = () => ending.abort(call.signal?.reason);
  const endLate = () => ending.abort(new ServiceUnavailable('The operation took too long. Ask for less at a time.'));
  const timer = setTimeout(endLate, limits.queryTimeoutMs);
  call.signal?.addEventListener('abort', leave, { once: true });
  try {
    return await execute({ ...prepared, signal: ending.signal } as ExecutionArgs);
  } finally {
    clearTimeout(timer);
    call.signal?.removeEventListener('abort', leave);
  }
}

async function charge({ platform }: Engine, call: OperationCall, operation: Parameters<typeof chargeOperation>[1]) {
  try {
    const left = await chargeOperation(platform, operation);
    if (left) call.tellCallsLeft(left);
  } catch (error) {
    if (error instanceof QuotaExceeded && error.resetsAt)
      call.tellCallsLeft({ limit: error.limit, remaining: 0, resetsAt: error.resetsAt });
    throw error;
  }
}

async function freshContext({ platform }: Engine, call: OperationCall): Promise<RequestCtx> {
  const { cookies, record } = call;
  record.ctx = await authenticate(platform, call.credentials, { origin: record.origin, cookies });
  return record.ctx;
}

function typeOf(document: DocumentNode, operationName: string | null): OperationTypeNode {
  const operation = getOperationAST(document, operationName);
  if (!operation) throw new BadUserInput('`operationName` must name one of the operations of the document.');
  return operation.operation;
}

function withPublicErrors(engine: Engine, call: OperationCall, result: ExecutionResult): ExecutionResult {
  const { record } = call;
  record.outcome ??= 'ok';
  if (!result.errors) return result;
  const { log } = engine.platform;
  const errors = result.errors.map((error) => publicError(error, { log, requestId: record.origin.requestId }));
  if (record.outcome === 'ok' && errors[0]) record.outcome = codeOf(errors[0]);
  return { ...result, errors };
}

function withCost({ call, cost }: PreparedOperation, result: ExecutionResult): ExecutionResult {
  if (call.extensions?.cost !== true) return result;
  return { ...result, extensions: { ...result.extensions, cost: { requested: cost, maximum: limits.cost } } };
}

function refused(record: OperationRecord, errors: GraphQLError[]): GraphQLError[] {
  record.outcome = errors[0] ? codeOf(errors[0]) : null;
  return errors;
}

/** By document, which is parsed once. No rule asks who sent it. */
const knownMistakes = new WeakMap<DocumentNode, readonly GraphQLError[]>();

function mistakesIn(document: DocumentNode, { enveloped, platform: { config } }: Engine): readonly GraphQLError[] {
  const known = knownMistakes.get(document);
  if (known) return known;
  const options = { hideSuggestions: config.isProduction || !config.introspection, maxErrors: limits.validationErrors };
  const mistakes = enveloped.validate(enveloped.schema, document, undefined, options) as readonly GraphQLError[];
  knownMistakes.set(document, mistakes);
  return mistakes;
}

function attempt<T>(work: () => T): { readonly value: T } | { readonly failure: unknown } {
  try {
    return { value: work() };
  } catch (failure) {
    return { failure };
  }
}
