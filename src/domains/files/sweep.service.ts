import type { Ctx } from '../../context.ts';
import type { Prisma } from '../../generated/prisma/client.ts';
import { removeAllDiscarded } from './discarded-objects.service.ts';
import { resumableProgress } from './resumable.service.ts';
import { leaseResumable } from './resumable-lease.service.ts';
import { settleOldScans } from './scanning.service.ts';
import { closeUpload, openStates } from './upload-ends.service.ts';
import { staleAfterMs } from './upload-lease.service.ts';

const atOnce = 100;
const hourMs = 3_600_000;
/** So long the row of an upload that has ended stays, for whoever asks what became of it. */
const endedUploadHours = 30 * 24;
/** A younger object without a row may be one whose row the reader of the list has not seen yet. */
const orphanAgeMs = hourMs;

/**
 * Gives back what uploads hold whose process has died or whose time is over, makes a file of a resumable one that is whole,
 * and removes every object that was given up. Comes round every half a minute: what was held when a process was killed is
 * free within sixty seconds. A resumable upload that is not whole waits for its client until its time is over.
 */
export async function sweepUploads(ctx: Ctx, signal: AbortSignal): Promise<void> {
  const now = ctx.now();
  const stale = { lt: new Date(now.getTime() - staleAfterMs) };
  const cut: Prisma.UploadWhereInput = { state: 'RECEIVING', draft: null, activeAt: stale };
  await closeEach(ctx, { where: cut, state: 'FAILED', failure: 'UPLOAD_CUT' });
  const expired: Prisma.UploadWhereInput = {
    expiresAt: { lte: now },
    OR: [{ state: 'PENDING' }, { state: 'RECEIVING', activeAt: stale }],
  };
  await closeEach(ctx, { where: expired, state: 'EXPIRED', failure: null });
  await completeWhole(ctx, { lt: stale.lt }, signal);
  await settleOldScans(ctx);
  await removeAllDiscarded(ctx, signal);
  await ctx.db.upload.deleteMany({
    where: {
      state: { notIn: [...openStates] },
      expiresAt: { lte: new Date(now.getTime() - endedUploadHours * hourMs) },
    },
  });
}

async function closeEach(
  ctx: Ctx,
  { where, ...end }: { where: Prisma.UploadWhereInput; state: 'FAILED' | 'EXPIRED'; failure: string | null },
): Promise<void> {
  for (let found = atOnce; found === atOnce; ) {
    const uploads = await ctx.db.upload.findMany({ where, take: atOnce, select: { id: true, leaseId: true } });
    // One whose lease is another's by now is alive.
    for (const { id: uploadId, leaseId } of uploads) await closeUpload(ctx, { uploadId, leaseId, ...end });
    found = uploads.length;
  }
}

/**
 * Resumable uploads that a dead process was at, or of which all bytes are known to be there: whoever sent the last of them has no
 * reason to come again. How many there are only the storage knows.
 */
async function completeWhole(ctx: Ctx, stale: Prisma.DateTimeFilter, signal: AbortSignal): Promise<void> {
  const uploads = await ctx.db.upload.findMany({
    where: {
      state: 'RECEIVING',
      draft: { not: null },
      activeAt: stale,
      expiresAt: { gt: ctx.now() },
      OR: [{ leaseId: { not: null } }, { receivedBytes: { equals: ctx.db.upload.fields.declaredSize } }],
    },
    select: { id: true },
  });
  for (const { id: uploadId } of uploads) {
    const lease = await leaseResumable(ctx, { uploadId, signal, letGo: () => undefined });
    try {
      await resumableProgress(ctx, lease);
    } catch (error) {
      // Refused for what is in it, or the storage is away: the next round looks again.
      ctx.log.warn({ err: error, uploadId }, 'an upload could not be taken up again');
    } finally {
      await lease.release();
    }
  }
}

/** Removes objects of the storage that no row names, once they are an hour old. Each is logged. */
export async function removeOrphans(ctx: Ctx, signal: AbortSignal): Promise<void> {
  const old = ctx.now().getTime() - orphanAgeMs;
  let batch: string[] = [];
  for await (const { key, modifiedAt } of ctx.platform.storage.list()) {
    if (signal.aborted) return;
    if (modifiedAt.getTime() > old) continue;
    batch.push(key);
    if (batch.length < atOnce) continue;
    await removeUnknown(ctx, batch);
    batch = [];
  }
  await removeUnknown(ctx, batch);
}

async function removeUnknown(ctx: Ctx, keys: string[]): Promise<void> {
  const rows = await ctx.db.$queryRaw<{ key: string }[]>`
    SELECT key FROM unnest(${keys}::text[]) AS key
    WHERE NOT EXISTS (SELECT FROM files WHERE storage_key = key)
      AND NOT EXISTS (SELECT FROM uploads WHERE storage_key = key)
      AND NOT EXISTS (SELECT FROM thumbnails WHERE storage_key = key)`;
  for (const { key } of rows) {
    await ctx.platform.storage.remove(key);
    ctx.log.warn({ storageKey: key }, 'an object that nothing points to was removed');
  }
}
