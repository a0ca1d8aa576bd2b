import { createHash, type Hash } from 'node:crypto';
import type { Ctx } from '../../context.ts';
import { AppError } from '../../errors.ts';
import type { File, Upload } from '../../generated/prisma/client.ts';
import { transact } from '../../platform/db.ts';
import { reserveStorageUpTo } from '../quotas/storage.service.ts';
import { requireHarmlessArchive } from './archives.service.ts';
import type { StoredBytes } from './completion.service.ts';
import { type Found, inspected } from './content-gate.ts';
import { acceptBytes } from './scanning.service.ts';
import { closeUpload } from './upload-ends.service.ts';
import { claimUpload, keepLease, type Lease } from './upload-lease.service.ts';
import { UploadRefused } from './upload-refusal.ts';
import { reservationStep } from './uploads.service.ts';

export interface Delivery {
  readonly uploadId: string;
  /** As the client announces it, in bytes. */
  readonly length: number | null;
  /** As the client announces it, in hex. */
  readonly sha256: string | null;
  /** The bytes. Ends with the reason of `signal` when that aborts. */
  body(signal: AbortSignal): AsyncIterable<Uint8Array>;
}

/** What runs along while bytes go by. */
interface Meter {
  readonly hash: Hash;
  readonly found: Found;
  bytes: number;
  /** How many may still come before more must be set aside. */
  reserved: number;
}

/**
 * Takes the bytes of an upload from the client into the storage, a chunk at a time, and makes a file of them. Whatever goes
 * wrong, the upload is over and nothing is kept.
 * @returns the upload as it is then: READY, or SCANNING
 * @throws UploadRefused, QuotaExceeded, NotFound
 */
export async function receiveUpload(ctx: Ctx, delivery: Delivery): Promise<Upload & { file: File | null }> {
  const { uploadId } = delivery;
  const lease = await claimUpload(ctx, uploadId);
  const ownCtx = { ...ctx, actor: lease.actor };
  try {
    const stored = await store(ownCtx, lease, delivery);
    await acceptBytes(ownCtx, { uploadId, leaseId: lease.leaseId, ...stored });
  } catch (error) {
    const failure = error instanceof AppError ? error.code : 'INTERNAL';
    await closeUpload(ownCtx, { uploadId, state: 'FAILED', failure, leaseId: lease.leaseId });
    await removeLateBytes(ctx, lease);
    throw error;
  }
  return ctx.db.upload.findUniqueOrThrow({ where: { id: uploadId }, include: { file: true } });
}

/** Where another has ended the upload meanwhile, it did not know of the last bytes. Those of a file stay. */
async function removeLateBytes({ db, platform: { storage } }: Ctx, { storageKey }: Lease): Promise<void> {
  if ((await db.file.count({ where: { storageKey } })) === 0) await storage.remove(storageKey);
}

async function store(ctx: Ctx, lease: Lease, delivery: Delivery): Promise<StoredBytes> {
  const { upload, storageKey } = lease;
  const meter: Meter = {
    hash: createHash('sha256'),
    found: { type: '' },
    bytes: 0,
    reserved: Number(upload.reservedBytes),
  };
  requireFitting(ctx, upload, delivery.length);
  const cut = new AbortController();
  const hold = keepLease(ctx, lease, { receivedBytes: () => meter.bytes, lose: (reason) => cut.abort(reason) });
  try {
    const counted = metered(ctx, { lease, meter, source: delivery.body(cut.signal) });
    await ctx.platform.storage.put(storageKey, inspected(counted, upload.name, meter.found));
    requireWhole(upload, delivery, meter);
    const sha256 = meter.hash.digest('hex');
    for (const announced of [upload.declaredSha256, delivery.sha256])
      if (announced !== null && announced !== sha256) throw new UploadRefused('DIGEST_MISMATCH');
    await requireHarmlessArchive(ctx, { storageKey, size: meter.bytes, type: meter.found.type });
    return { storageKey, size: meter.bytes, sha256, type: meter.found.type };
  } finally {
    await hold.stop();
  }
}

/** Refuses by the announced length, before a byte is read. */
function requireFitting({ platform }: Ctx, { declaredSize }: Upload, length: number | null): void {
  if (length === null) return;
  if (length > Number(declaredSize ?? platform.config.files.maxBytes)) throw new UploadRefused('UPLOAD_TOO_LARGE');
  if (declaredSize !== null && length < Number(declaredSize)) throw new UploadRefused('UPLOAD_TOO_SHORT');
}

function requireWhole({ declaredSize }: Upload, { length }: Delivery, { bytes }: Meter): void {
  if (bytes < Number(declaredSize ?? length ?? 0)) throw new UploadRefused('UPLOAD_TOO_SHORT');
}

/** Counts and hashes; stops at the first byte too many, and before the first that nothing is set aside for. */
async function* metered(
  ctx: Ctx,
  { lease, meter, source }: { lease: Lease; meter: Meter; source: AsyncIterable<Uint8Array> },
): AsyncIterable<Uint8Array> {
  const { declaredSize } = lease.upload;
  const max = Number(declaredSize ?? ctx.platform.config.files.maxBytes);
  for await (const chunk of source) {
    meter.bytes += chunk.length;
    if (meter.bytes > max) throw new UploadRefused('UPLOAD_TOO_LARGE');
    while (meter.bytes > meter.reserved) meter.reserved += await reserveMore(ctx, lease);
    meter.hash.update(chunk);
    yield chunk;
  }
}

/** @throws QuotaExceeded; UploadRefused for an upload that was ended */
function reserveMore(ctx: Ctx, { upload, leaseId }: Lease): Promise<number> {
  const { id, organizationId } = upload;
  return transact(ctx, async (ctx) => {
    const bytes = await reserveStorageUpTo(ctx, { organizationId, bytes: reservationStep });
    const { count } = await ctx.db.upload.updateMany({
      where: { id, leaseId, state: 'RECEIVING' },
      data: { reservedBytes: { increment: bytes } },
    });
    if (count === 0) throw new UploadRefused('UPLOAD_OVER');
    return bytes;
  });
}
