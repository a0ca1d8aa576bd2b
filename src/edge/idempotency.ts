import type { IncomingMessage, ServerResponse } from 'node:http';
import { type ExecutionResult, GraphQLError, OperationTypeNode } from 'graphql';
import { type FirstAnswer, runOnce } from '../domains/idempotency/idempotency.service.ts';
import type { PreparedOperation } from './operation.ts';
import { codeOf } from './public-error.ts';
import { badRequest } from './request-parameters.ts';

const acceptableKey = /^[\x21-\x7e]{1,255}$/;
/** Refusals that did nothing and pass with time. */
const passing: ReadonlySet<unknown> = new Set(['RATE_LIMITED', 'QUOTA_EXCEEDED', 'SERVICE_UNAVAILABLE']);

/**
 * `Idempotency-Key` on mutations of a session or an API key (draft-ietf-httpapi-idempotency-key-header): one effect, and
 * the same answer for 24 hours, with `Idempotency-Replayed: true`. Without credentials there is nobody to keep it for.
 * @throws AppError for a key that is none; Conflict as `runOnce`
 */
export async function onceByKey(
  { req, res }: { req: IncomingMessage; res: ServerResponse },
  prepared: PreparedOperation,
  run: () => Promise<ExecutionResult>,
): Promise<ExecutionResult> {
  const key = req.headers['idempotency-key']?.toString();
  const callerId = callerOf(prepared);
  if (key === undefined || prepared.type !== OperationTypeNode.MUTATION || callerId === null) return run();
  if (!acceptableKey.test(key)) throw badRequest(400, 'Idempotency-Key must be 1 to 255 printable ASCII characters.');
  const { query, operationName, variables, credentials } = prepared.call;
  const request = JSON.stringify([query, operationName, variables, credentials.organizationId]);
  const first = await runOnce(prepared.contextValue, { callerId, key, request }, async () => answerOf(await run()));
  if (first.isReplay) res.setHeader('idempotency-replayed', 'true');
  const result = resultOf(first.answer);
  prepared.call.record.outcome ??= result.errors?.[0] ? codeOf(result.errors[0]) : 'ok';
  return result;
}

function callerOf({ contextValue: { actor } }: PreparedOperation): string | null {
  if (actor.kind === 'user') return actor.sessionId;
  return actor.kind === 'apiKey' ? actor.apiKeyId : null;
}

function answerOf(result: ExecutionResult): FirstAnswer {
  const { data, errors = [] } = result;
  const isNothing = data == null || Object.values(data).every((value) => value === null);
  const isFinal = !(isNothing && errors.length > 0 && errors.every(({ extensions }) => passing.has(extensions.code)));
  return { answer: JSON.stringify(result), isFinal };
}

function resultOf(answer: string): ExecutionResult {
  const { errors, ...result } = JSON.parse(answer) as ExecutionResult;
  return { ...result, ...(errors && { errors: errors.map(revive) }) };
}

function revive({ message, path, extensions, locations }: GraphQLError): GraphQLError {
  return Object.assign(new GraphQLError(message, { path, extensions }), { locations });
}
