import type { Context } from '@opentelemetry/api';
import type { DocumentNode, OperationTypeNode } from 'graphql';
import { getOperationAST } from 'graphql';
import type { RequestCtx } from '../context.ts';
import { unredacted } from '../platform/log.ts';
import type { Platform } from '../platform/platform.ts';
import { encodeId } from '../platform/typeid.ts';
import { endTrace, inTrace } from './operation-trace.ts';
import type { RequestOrigin } from './request-origin.ts';

export type Transport = 'http' | 'sse' | 'websocket';

/** What becomes the log line of one operation, filled in while it runs. */
export interface OperationRecord {
  readonly origin: RequestOrigin;
  readonly transport: Transport;
  readonly startedAtMs: number;
  /** Holds the span of the operation; null where nothing is traced. */
  readonly trace: Context | null;
  /** Null until the caller is known, and for credentials that are not good. */
  ctx: RequestCtx | null;
  name: string | null;
  type: OperationTypeNode | null;
  /** `ok`, or the code of the first error; null until there is an answer. */
  outcome: string | null;
}

const nameMaxChars = 128;

export function openRecord(origin: RequestOrigin, transport: Transport, trace: Context | null): OperationRecord {
  return { origin, transport, trace, startedAtMs: performance.now(), ctx: null, name: null, type: null, outcome: null };
}

/** Notes what the document says, which a client may not have told, or not truly. */
export function noteOperation(record: OperationRecord, document: DocumentNode, operationName: string | null): void {
  const operation = getOperationAST(document, operationName);
  record.name = operation?.name?.value.slice(0, nameMaxChars) ?? null;
  record.type = operation?.operation ?? null;
}

/**
 * Writes the one line of an operation (F23): who, what, how it ended, `durationMs`. The actor is the one at the end,
 * since signing in replaces it. Nothing of the document, its variables or the headers is in it.
 */
export function logOperation(platform: Pick<Platform, 'log' | 'metrics'>, record: OperationRecord): void {
  inTrace(record, () => writeLine(platform, record));
  endTrace(record);
}

function writeLine({ log, metrics }: Pick<Platform, 'log' | 'metrics'>, record: OperationRecord): void {
  const { ctx, origin } = record;
  const durationMs = performance.now() - record.startedAtMs;
  const labels = { transport: record.transport, type: record.type ?? 'none', outcome: record.outcome ?? 'none' };
  metrics.operations.observe(labels, durationMs / 1000);
  const user = ctx?.actor.kind === 'user' ? ctx.actor : null;
  const key = ctx?.actor.kind === 'apiKey' ? ctx.actor : null;
  const organizationId = key?.organizationId ?? user?.activeMembership?.organizationId;
  unredacted(log).info(
    {
      requestId: origin.requestId,
      userId: user && encodeId('User', user.userId),
      sessionId: user && encodeId('Session', user.sessionId),
      organizationId: organizationId ? encodeId('Organization', organizationId) : null,
      apiKeyId: key && encodeId('ApiKey', key.apiKeyId),
      operationName: record.name,
      operationType: record.type,
      transport: record.transport,
      outcome: record.outcome,
      durationMs: Math.round(durationMs * 10) / 10,
    },
    'operation',
  );
}
