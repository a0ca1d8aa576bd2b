import type { ServerResponse } from 'node:http';
import type { RefusalCode } from '../domains/files/upload-refusal.ts';
import { AppError, ServiceUnavailable } from '../errors.ts';
import type { Logger } from '../platform/log.ts';
import { sendProblem } from './answers.ts';
import { isOutage } from './outage.ts';
import type { TransferRecord } from './transfer-log.ts';

/** By code; a bug is 500. */
export const transferStatuses: Readonly<Record<RefusalCode, number>> & Readonly<Record<string, number>> = {
  UPLOAD_STALLED: 408,
  UPLOAD_CUT: 400,
  UPLOAD_BUSY: 409,
  UPLOAD_OVER: 409,
  UPLOAD_EXPIRED: 410,
  UPLOAD_TOO_LARGE: 413,
  UNSUPPORTED_TYPE: 415,
  TYPE_CONTRADICTS_NAME: 415,
  ARCHIVE_EXPLODES: 415,
  UPLOAD_TOO_SHORT: 422,
  DIGEST_MISMATCH: 422,
  INFECTED: 422,
  NOT_SCANNED: 503,
  BAD_USER_INPUT: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  RATE_LIMITED: 429,
  SERVICE_UNAVAILABLE: 503,
  QUOTA_EXCEEDED: 507,
};

/** A refusal as its status and its document; a bug is 500 and told to the log alone. */
export function problemOf(error: unknown): { readonly status: number; readonly document: Record<string, unknown> } {
  const refusal = isOutage(error) ? new ServiceUnavailable() : error;
  if (!(refusal instanceof AppError)) return { status: 500, document: { code: 'INTERNAL' } };
  return {
    status: transferStatuses[refusal.code] ?? 400,
    document: { code: refusal.code, detail: refusal.message, ...refusal.details },
  };
}

/** Answers with what was thrown, and notes it in the record of the transfer. */
export function refuseTransfer(
  log: Logger,
  { response, record }: { response: ServerResponse; record: TransferRecord },
  error: unknown,
): void {
  const { status, document } = problemOf(error);
  if (status === 500) log.error({ err: error, requestId: record.origin.requestId }, 'a transfer failed');
  record.outcome = String(document.code);
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  if (status === 401) response.setHeader('www-authenticate', 'Upload');
  if (status === 429) response.setHeader('retry-after', String(document.retryAfterSeconds ?? 1));
  sendProblem(response, status, { ...document, ...(status === 500 && { requestId: record.origin.requestId }) });
}
