import type { ServerResponse } from 'node:http';
import type { Logger } from '../platform/log.ts';
import { encodeId } from '../platform/typeid.ts';
import type { RequestOrigin } from './request-origin.ts';

/** What becomes the log line of one upload or download, filled in while it runs. */
export interface TransferRecord {
  readonly origin: RequestOrigin;
  /** `upload` or `download`. */
  readonly operationName: string;
  readonly startedAtMs: number;
  /** Null until it is known on whose behalf bytes move. */
  bearer: { readonly sessionId: string | null; readonly apiKeyId: string | null } | null;
  userId: string | null;
  organizationId: string | null;
  /** `ok`, or the code of the refusal; null until there is an answer. */
  outcome: string | null;
  bytes: number;
}

/** Writes the one line of a transfer when its answer is done, or its client gone. Nothing of names, tokens and links is in it. */
export function logTransfer(
  log: Logger,
  response: ServerResponse,
  { origin, operationName }: Pick<TransferRecord, 'origin' | 'operationName'>,
): TransferRecord {
  const record: TransferRecord = {
    origin,
    operationName,
    startedAtMs: performance.now(),
    bearer: null,
    userId: null,
    organizationId: null,
    outcome: null,
    bytes: 0,
  };
  response.once('close', () => {
    const { bearer, userId, organizationId, startedAtMs } = record;
    log.info(
      {
        requestId: origin.requestId,
        userId: userId && encodeId('User', userId),
        sessionId: bearer?.sessionId ? encodeId('Session', bearer.sessionId) : null,
        organizationId: organizationId && encodeId('Organization', organizationId),
        apiKeyId: bearer?.apiKeyId ? encodeId('ApiKey', bearer.apiKeyId) : null,
        operationName,
        outcome: outcomeOf(record, response),
        bytes: record.bytes,
        durationMs: Math.round((performance.now() - startedAtMs) * 10) / 10,
      },
      'transfer',
    );
  });
  return record;
}

/** A client that went away before it had the whole answer has none. */
function outcomeOf({ outcome }: TransferRecord, { writableFinished }: ServerResponse): string | null {
  return writableFinished || (outcome !== null && outcome !== 'ok') ? outcome : 'CANCELED';
}
