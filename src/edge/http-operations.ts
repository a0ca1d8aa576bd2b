import type { IncomingMessage, ServerResponse } from 'node:http';
import { Repeater } from '@repeaterjs/repeater';
import { type ExecutionResult, OperationTypeNode } from 'graphql';
import { type GraphQLParams, isAsyncIterable } from 'graphql-yoga';
import type { Cookies } from '../context.ts';
import { NotFound, Unauthenticated } from '../errors.ts';
import { standingOf } from './authenticate.ts';
import { onceByKey } from './idempotency.ts';
import {
  type Engine,
  executeOperation,
  type PreparedOperation,
  prepareOperation,
  refuseOperation,
} from './operation.ts';
import type { OperationRecord } from './operation-log.ts';
import { setRateLimit } from './rate-limit-headers.ts';
import { badRequest } from './request-parameters.ts';

/** One HTTP request to `/graphql`. */
export interface HttpCall {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly record: OperationRecord;
}

/** The same with what it asks for. */
export interface HttpOperation extends HttpCall {
  readonly params: GraphQLParams;
  readonly cookies: Cookies;
  readonly signal: AbortSignal;
  /** Is called before a stream is opened. */
  readonly preferStream: () => void;
}

/** Runs an operation for a request: its result, or the results of a stream. The errors are public ones. Never throws. */
export async function runOperation(engine: Engine, call: HttpOperation) {
  const { params, signal, record, req, res, cookies } = call;
  const prepared = await prepareOperation(engine, {
    query: params.query ?? '',
    operationName: params.operationName ?? null,
    variables: params.variables ?? null,
    extensions: params.extensions ?? null,
    credentials: {
      authorization: req.headers.authorization || null,
      organizationId: req.headers['x-organization-id']?.toString() || null,
    },
    cookies,
    record,
    signal,
    admit: (type) => admit(type, call),
    tellCallsLeft: (calls) => setRateLimit(res, calls, engine.platform.now()),
  });
  if (Array.isArray(prepared)) return { errors: prepared };
  if (prepared.type === OperationTypeNode.SUBSCRIPTION) call.preferStream();
  if (prepared.type === OperationTypeNode.MUTATION) return runMutation(engine, call, prepared);
  const outcome = await executeOperation(engine, prepared);
  return isAsyncIterable(outcome) ? whileGood(engine, prepared, outcome) : outcome;
}

async function runMutation(engine: Engine, call: HttpCall, prepared: PreparedOperation): Promise<ExecutionResult> {
  try {
    return await onceByKey(call, prepared, async () => (await executeOperation(engine, prepared)) as ExecutionResult);
  } catch (error) {
    return { errors: refuseOperation(engine, call.record, error) };
  }
}

/** Ends a stream with UNAUTHENTICATED or NOT_FOUND once what it stands on has ended, though no event comes. */
async function whileGood(
  engine: Engine,
  { call, contextValue }: PreparedOperation,
  stream: AsyncIterable<ExecutionResult>,
) {
  const standing = await standingOf(engine.platform, call.credentials, contextValue);
  return new Repeater<ExecutionResult>(async (push, stop) => {
    const events = stream[Symbol.asyncIterator]();
    void stop.then(() => events.return?.());
    const endFor = (reason: unknown) => {
      void push({ errors: refuseOperation(engine, call.record, reason) });
      stop();
    };
    const end = (code: string) => endFor(code === 'NOT_FOUND' ? new NotFound() : new Unauthenticated());
    try {
      void stop.then(engine.watch.watch({ ...standing, end }));
    } catch (full) {
      return endFor(full);
    }
    for (let event = await events.next(); !event.done; event = await events.next()) await push(event.value);
    stop();
  });
}

function admit(type: OperationTypeNode, { req, record }: HttpCall): void {
  if (req.method === 'GET' && type !== OperationTypeNode.QUERY) {
    throw badRequest(405, 'GET is for queries.', { allow: 'POST' });
  }
  if (type === OperationTypeNode.SUBSCRIPTION && record.transport !== 'sse') {
    throw badRequest(406, 'A subscription needs a WebSocket, or `Accept: text/event-stream`.');
  }
}
