import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { openAuditExport } from '../domains/audit-exports/download.service.ts';
import type { Platform } from '../platform/platform.ts';
import { type Handler, isClientGone, reading, sendProblem } from './answers.ts';

/** The file behind `AuditExport.downloadUrl`, as JSON Lines; 404 for a grant that is not good, or not any more. */
export function auditExportRoute(platform: Platform): Handler {
  return reading(async (request, response) => {
    const grant = new URL(request.url ?? '/', 'http://localhost').searchParams.get('grant') ?? '';
    const file = await openAuditExport(platform, grant);
    response.setHeader('cache-control', 'no-store');
    if (!file) return sendProblem(response, 404);
    response.setHeader('content-type', 'application/jsonl; charset=utf-8');
    response.setHeader('content-disposition', `attachment; filename="${file.name}"`);
    if (request.method === 'HEAD') return void response.end();
    await pipeline(Readable.from(file.parts), response).catch((error: unknown) => {
      if (!isClientGone(error)) throw error;
    });
  });
}
