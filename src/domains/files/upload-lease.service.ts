import { randomUUID } from 'node:crypto';
import type { Actor, Ctx } from '../../context.ts';
import { NotFound } from '../../errors.ts';
import type { Upload } from '../../generated/prisma/client.ts';
import { newStorageKey } from '../../platform/storage/storage.ts';
import { standingBearer } from './bearer.service.ts';
import { startBeating } from './heartbeat.ts';
import { tellProgress } from './upload-ends.service.ts';
import { UploadRefused } from './upload-refusal.ts';

/** After so long without a beat the process of a lease is taken for dead. */
export const staleAfterMs = 10_000;

/** One request's hold on an upload. */
export interface Lease {
  readonly upload: Upload;
  readonly leaseId: string;
  readonly storageKey: string;
  /** Whoever made the upload, as they are now. */
  readonly actor: Actor;
}

/**
 * Takes an upload that nobody has sent to yet, for one request alone.
 * @throws NotFound; UploadRefused for one that is busy, over or expired
 */
export async function claimUpload(ctx: Ctx, uploadId: string): Promise<Lease> {
  const upload = await ctx.db.upload.findUnique({ where: { id: uploadId } });
  const actor = upload && (await standingBearer(ctx, upload, 'write'));
  if (!actor) throw new NotFound();
  const now = ctx.now();
  const [leaseId, storageKey] = [randomUUID(), newStorageKey()];
  const { count } = await ctx.db.upload.updateMany({
    where: { id: uploadId, state: 'PENDING', expiresAt: { gt: now } },
    data: { state: 'RECEIVING', leaseId, storageKey, activeAt: now },
  });
  if (count === 0) throw refusalOf(await ctx.db.upload.findUnique({ where: { id: uploadId } }));
  return { upload, leaseId, storageKey, actor };
}

/** Why an upload takes no bytes from this request. */
export function refusalOf(upload: Upload | null): Error {
  if (!upload) return new NotFound();
  if (upload.state === 'RECEIVING') return new UploadRefused('UPLOAD_BUSY');
  return new UploadRefused(upload.state === 'PENDING' || upload.state === 'EXPIRED' ? 'UPLOAD_EXPIRED' : 'UPLOAD_OVER');
}

/**
 * Says every second that this process is alive and how many bytes there are, until `stop`. Calls `lose` once the upload was
 * ended or taken elsewhere, and once its maker may not upload any more.
 */
export function keepLease(
  ctx: Ctx,
  lease: Pick<Lease, 'upload' | 'leaseId'>,
  { receivedBytes, lose }: { receivedBytes: () => number; lose: (reason: Error) => void },
): { stop(): Promise<void> } {
  const { upload, leaseId } = lease;
  const beat = async () => {
    const { count } = await ctx.db.upload.updateMany({
      where: { id: upload.id, leaseId, state: 'RECEIVING' },
      data: { activeAt: ctx.now(), receivedBytes: receivedBytes() },
    });
    if (count === 0) return lose(new UploadRefused('UPLOAD_OVER'));
    tellProgress(ctx, upload.id);
    if (!(await standingBearer(ctx, upload, 'write'))) lose(new NotFound());
  };
  return startBeating(ctx, beat);
}
