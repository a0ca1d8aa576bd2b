import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Ctx } from '../context.ts';
import { receiveUpload } from '../domains/files/receiving.service.ts';
import { findUploadForSending } from '../domains/files/upload-reads.service.ts';
import { opensUpload } from '../domains/files/upload-token.ts';
import { BadUserInput, NotFound, Unauthenticated } from '../errors.ts';
import { idOf } from '../graphql/ids.ts';
import type { Platform } from '../platform/platform.ts';
import { encodeId } from '../platform/typeid.ts';
import { type Handler, sendJson, sendProblem } from './answers.ts';
import type { RequestOrigin } from './request-origin.ts';
import { logTransfer, type TransferRecord } from './transfer-log.ts';
import { refuseTransfer } from './upload-answers.ts';
import { bodyOf, uploadPace } from './upload-body.ts';

/** `PUT` and `HEAD` `/uploads/:id`, with `Authorization: Upload <token>`. */
export function uploadRoute(platform: Platform): Handler {
  return async (request, response, origin) => {
    if (request.method !== 'PUT' && request.method !== 'HEAD') {
      response.setHeader('allow', 'HEAD, PUT');
      return sendProblem(response, 405);
    }
    response.setHeader('cache-control', 'no-store');
    const record = logTransfer(platform.log, response, { origin, operationName: 'upload' });
    try {
      const ctx = transferCtx(platform, origin);
      const uploadId = openedUpload(platform, request);
      if (request.method === 'HEAD') await tellOffset(ctx, { uploadId, response, record });
      else await receive(ctx, uploadId, { request, response, record });
    } catch (error) {
      refuseTransfer(platform.log, { response, record }, error);
    }
  };
}

/** The context of bytes on the move, until it is known on whose behalf. */
export function transferCtx(platform: Platform, origin: RequestOrigin): Ctx {
  const { db, now, log } = platform;
  return { db, actor: { kind: 'anonymous' }, now, log: log.child({ requestId: origin.requestId }), origin, platform };
}

/** The upload that path and token name together. @throws Unauthenticated, also for an upload that does not exist */
export function openedUpload({ keyring }: Platform, request: IncomingMessage): string {
  const id = /^\/uploads\/(?:tus\/)?([^/?]+)$/.exec(request.url?.split('?')[0] ?? '')?.[1] ?? '';
  const token = /^Upload +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? '';
  const uploadId = idOf('Upload', id);
  if (!opensUpload(keyring, uploadId, token)) throw new Unauthenticated('This token does not open this upload.');
  return uploadId;
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly record: TransferRecord;
}

async function receive(ctx: Ctx, uploadId: string, { request, response, record }: Exchange): Promise<void> {
  await noteBearer(ctx, uploadId, record);
  const upload = await receiveUpload(ctx, {
    uploadId,
    length: lengthOf(request),
    sha256: digestIn(request.headers['content-digest']),
    body: (signal) => bodyOf(request, response, { pace: uploadPace, signal }),
  });
  record.outcome = 'ok';
  record.bytes = Number(upload.receivedBytes);
  const { file } = upload;
  sendJson(response, file ? 201 : 202, {
    uploadId: encodeId('Upload', uploadId),
    state: upload.state,
    size: Number(upload.receivedBytes),
    ...(file && {
      fileId: encodeId('File', file.id),
      name: file.name,
      contentType: file.contentType,
      sha256: file.sha256,
    }),
  });
}

async function tellOffset(
  ctx: Ctx,
  { uploadId, response, record }: { uploadId: string } & Omit<Exchange, 'request'>,
): Promise<void> {
  const upload = await noteBearer(ctx, uploadId, record);
  record.outcome = 'ok';
  response.setHeader('upload-offset', String(upload.receivedBytes));
  response.setHeader('upload-state', upload.state);
  if (upload.declaredSize !== null) response.setHeader('upload-length', String(upload.declaredSize));
  response.writeHead(200).end();
}

/** Finds an upload and writes into the record whose it is. @throws NotFound */
export async function noteBearer(ctx: Ctx, uploadId: string, record: TransferRecord) {
  const upload = await findUploadForSending(ctx, uploadId);
  if (!upload) throw new NotFound();
  record.bearer = upload;
  record.userId = upload.createdById;
  record.organizationId = upload.organizationId;
  return upload;
}

function lengthOf(request: IncomingMessage): number | null {
  const { 'content-length': length } = request.headers;
  return length === undefined ? null : Number(length);
}

/** The SHA-256 of a `Content-Digest` (RFC 9530) in hex; null where there is none. @throws BadUserInput for one that cannot be read */
function digestIn(header: string | string[] | undefined): string | null {
  if (header === undefined) return null;
  const base64 = /(?:^|,)\s*sha-256\s*=\s*:([A-Za-z0-9+/=]+):/i.exec(String(header))?.[1];
  const digest = Buffer.from(base64 ?? '', 'base64');
  if (base64 !== undefined && digest.length !== 32) throw new BadUserInput('`Content-Digest` holds no SHA-256.');
  return base64 === undefined ? null : digest.toString('hex');
}
