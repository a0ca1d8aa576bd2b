import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { Ctx } from '../context.ts';
import type { DownloadGrant } from '../domains/files/download-link.ts';
import { countEgress, type Download, openDownload, readDownload } from '../domains/files/downloads.service.ts';
import { idOf } from '../graphql/ids.ts';
import type { Platform } from '../platform/platform.ts';
import type { ByteRange } from '../platform/storage/storage.ts';
import { decodeId, nilId } from '../platform/typeid.ts';
import { type Handler, isClientGone, reading, sendProblem } from './answers.ts';
import { rangeOf } from './byte-range.ts';
import { contentDisposition } from './content-disposition.ts';
import { logTransfer, type TransferRecord } from './transfer-log.ts';
import { refuseTransfer } from './upload-answers.ts';
import { transferCtx } from './uploads.ts';

/** `GET` and `HEAD` `/files/:id?…`, by a link that `File.downloadUrl` or `thumbnailUrl` gave. */
export function downloadRoute(platform: Platform): Handler {
  return reading(async (request, response, origin) => {
    response.setHeader('cache-control', 'private, no-store');
    const record = logTransfer(platform.log, response, { origin, operationName: 'download' });
    try {
      const ctx = transferCtx(platform, origin);
      const grant = grantIn(new URL(request.url ?? '/', 'http://localhost'));
      const download = await openDownload(ctx, grant);
      record.bearer = grant;
      record.userId = userIdOf(download);
      record.organizationId = download.file.organizationId;
      await answer(ctx, download, { request, response, record, disposition: grant.disposition });
    } catch (error) {
      refuseTransfer(platform.log, { response, record }, error);
    }
  });
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly record: TransferRecord;
  readonly disposition: DownloadGrant['disposition'];
}

/** What a link says; what is missing in it, or malformed, is what no signature fits. */
function grantIn({ pathname, searchParams: query }: URL) {
  const by = query.get('by') ?? '';
  const thumbnail = query.get('thumbnail');
  return {
    fileId: idOf('File', pathname.slice('/files/'.length)),
    thumbnailEdge: thumbnail === null ? null : wholeNumber(thumbnail),
    disposition: query.get('disposition') ?? '',
    expiresAt: wholeNumber(query.get('expires') ?? ''),
    sessionId: by.startsWith('ses_') ? (decodeId('Session', by) ?? nilId) : null,
    apiKeyId: by.startsWith('key_') ? (decodeId('ApiKey', by) ?? nilId) : null,
    keyId: query.get('key') ?? '',
    signature: query.get('signature') ?? '',
  };
}

/** A number as this program writes it; NaN for any other text. */
function wholeNumber(text: string): number {
  return String(Number(text)) === text ? Number(text) : Number.NaN;
}

function userIdOf({ actor }: Download): string | null {
  if (actor.kind === 'apiKey') return actor.createdById;
  return actor.kind === 'user' ? actor.userId : null;
}

async function answer(ctx: Ctx, download: Download, { request, response, record, disposition }: Exchange) {
  const { file, name, size, contentType, storageKey } = download;
  const etag = `"${storageKey === file.storageKey ? file.sha256 : storageKey}"`;
  response.setHeader('etag', etag);
  response.setHeader('accept-ranges', 'bytes');
  response.setHeader('content-security-policy', "default-src 'none'; sandbox; frame-ancestors 'none'");
  response.setHeader('cross-origin-resource-policy', 'cross-origin');
  response.setHeader(
    'content-disposition',
    contentDisposition(disposition === 'inline' ? 'inline' : 'attachment', name),
  );
  record.outcome = 'ok';
  if (includesEtag(request.headers['if-none-match'], etag)) return void response.writeHead(304).end();
  const range = isWanted(request, etag) ? rangeOf(request.headers.range, size) : null;
  if (range === 'unsatisfiable') {
    record.outcome = 'RANGE_NOT_SATISFIABLE';
    response.setHeader('content-range', `bytes */${size}`);
    return sendProblem(response, 416, { code: 'RANGE_NOT_SATISFIABLE' });
  }
  response.setHeader('content-type', contentType);
  response.setHeader('content-length', range ? range.end - range.start + 1 : size);
  if (range) response.setHeader('content-range', `bytes ${range.start}-${range.end}/${size}`);
  response.statusCode = range ? 206 : 200;
  if (request.method === 'HEAD') return void response.end();
  await send(ctx, download, { response, record, range });
}

/** Whether what the client has of the file is of these bytes: a part of others would not fit it. */
function isWanted({ headers }: IncomingMessage, etag: string): boolean {
  return headers['if-range'] === undefined || headers['if-range'] === etag;
}

function includesEtag(header: string | undefined, etag: string): boolean {
  const tags = header?.split(',').map((tag) => tag.trim().replace(/^W\//, '')) ?? [];
  return tags.includes(etag) || tags.includes('*');
}

async function send(
  ctx: Ctx,
  download: Download,
  { response, record, range }: { response: ServerResponse; record: TransferRecord; range: ByteRange | null },
): Promise<void> {
  const bytes = await readDownload(ctx, download, range);
  bytes.on('data', (chunk: Buffer) => {
    record.bytes += chunk.length;
  });
  try {
    await pipeline(bytes, response);
  } catch (error) {
    if (!response.destroyed && !isClientGone(error)) throw error;
    record.outcome = 'CANCELED';
  } finally {
    await countEgress(ctx, { organizationId: download.file.organizationId, bytes: record.bytes });
  }
}
