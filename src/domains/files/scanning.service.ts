import type { Ctx } from '../../context.ts';
import type { Upload } from '../../generated/prisma/client.ts';
import { enqueue } from '../../jobs/queue.ts';
import { transact } from '../../platform/db.ts';
import { scanForViruses } from '../../platform/virus-scanner.ts';
import { standingBearer } from './bearer.service.ts';
import { completeUpload, type StoredBytes } from './completion.service.ts';
import { closeUpload, tellProgress } from './upload-ends.service.ts';
import { UploadRefused } from './upload-refusal.ts';

/** After so long a scan that has not come to an end is given up. */
const patienceMs = 15 * 60_000;

/**
 * Makes a file of what has arrived: at once, or after a job has looked for viruses in it where a scanner is configured.
 * @throws UploadRefused when the upload was ended meanwhile
 */
export async function acceptBytes(
  ctx: Ctx,
  accepted: StoredBytes & { readonly uploadId: string; readonly leaseId: string },
): Promise<void> {
  if (ctx.platform.config.files.clamdUrl === null) return completeUpload(ctx, accepted);
  await transact(ctx, async (ctx) => {
    const { uploadId, leaseId, size, type, sha256 } = accepted;
    const { count } = await ctx.db.upload.updateMany({
      where: { id: uploadId, leaseId, state: 'RECEIVING' },
      data: {
        state: 'SCANNING',
        leaseId: null,
        receivedBytes: size,
        foundType: type,
        foundSha256: sha256,
        activeAt: ctx.now(),
      },
    });
    if (count === 0) throw new UploadRefused('UPLOAD_OVER');
    await enqueue(ctx, 'file.scan', { uploadId });
    tellProgress(ctx, uploadId);
  });
}

/** Looks for viruses in an upload that waits for it, and makes a file of it or ends it. May run twice. @throws Error when the scanner does */
export async function scanUpload(ctx: Ctx, { uploadId }: { uploadId: string }): Promise<void> {
  const { clamdUrl } = ctx.platform.config.files;
  const upload = await ctx.db.upload.findUnique({ where: { id: uploadId } });
  if (upload?.state !== 'SCANNING' || upload.storageKey === null || clamdUrl === null) return;
  const verdict = await scanForViruses(clamdUrl, await ctx.platform.storage.read(upload.storageKey));
  if (verdict === 'clean') await release(ctx, upload);
  else await closeUpload(ctx, { uploadId, state: 'QUARANTINED', failure: 'INFECTED' });
}

/** Decides on uploads whose scan came to no end: refused, or let through where the operator wants that. */
export async function settleOldScans(ctx: Ctx): Promise<void> {
  const old = await ctx.db.upload.findMany({
    where: { state: 'SCANNING', activeAt: { lt: new Date(ctx.now().getTime() - patienceMs) } },
  });
  for (const upload of old) {
    if (!ctx.platform.config.files.clamdFailClosed) await release(ctx, upload);
    else await closeUpload(ctx, { uploadId: upload.id, state: 'QUARANTINED', failure: 'NOT_SCANNED' });
  }
}

/** On behalf of whoever uploaded it, where they are still there. */
async function release(ctx: Ctx, upload: Upload): Promise<void> {
  const { id: uploadId, storageKey, foundType, foundSha256, receivedBytes } = upload;
  if (storageKey === null || foundType === null || foundSha256 === null) return;
  const actor = (await standingBearer(ctx, upload, 'write')) ?? ctx.actor;
  const stored = { storageKey, size: Number(receivedBytes), sha256: foundSha256, type: foundType };
  await completeUpload({ ...ctx, actor }, { uploadId, leaseId: null, ...stored });
}
