import { createHash } from 'node:crypto';
import type { Ctx } from '../../context.ts';
import { AppError, NotFound } from '../../errors.ts';
import type { Upload } from '../../generated/prisma/client.ts';
import { transact } from '../../platform/db.ts';
import { type Draft, newStorageKey } from '../../platform/storage/storage.ts';
import { reserveStorage } from '../quotas/storage.service.ts';
import { requireHarmlessArchive } from './archives.service.ts';
import { standingBearer } from './bearer.service.ts';
import { type Found, headInspected, inspected } from './content-gate.ts';
import type { ResumableLease } from './resumable-lease.service.ts';
import { acceptBytes } from './scanning.service.ts';
import { closeUpload } from './upload-ends.service.ts';
import { refusalOf } from './upload-lease.service.ts';
import { UploadRefused } from './upload-refusal.ts';

/** How far a resumable upload is. */
export interface Progress {
  readonly size: number;
  readonly offset: number;
}

/**
 * Fixes the size of an upload that is to be resumable, and sets aside what is missing for it. May be repeated.
 * @throws UploadRefused, QuotaExceeded, NotFound
 */
export async function beginResumable(ctx: Ctx, lease: ResumableLease, size: number): Promise<void> {
  if (size > ctx.platform.config.files.maxBytes) throw new UploadRefused('UPLOAD_TOO_LARGE');
  const upload = await openUpload(ctx, lease);
  const declared = upload.declaredSize === null ? null : Number(upload.declaredSize);
  if (declared !== null && declared !== size)
    throw new UploadRefused(size > declared ? 'UPLOAD_TOO_LARGE' : 'UPLOAD_TOO_SHORT');
  if (declared === null) await fixSize(ctx, upload, size);
  // No bytes follow.
  if (size === 0) await appendBytes(ctx, lease, { offset: 0, source: noBytes() });
}

async function* noBytes(): AsyncIterable<Uint8Array> {}

async function fixSize(ctx: Ctx, { id, organizationId, reservedBytes }: Upload, size: number): Promise<void> {
  const missing = Math.max(0, size - Number(reservedBytes));
  await transact(ctx, async (ctx) => {
    if (missing > 0) await reserveStorage(ctx, { organizationId, bytes: missing });
    const { count } = await ctx.db.upload.updateMany({
      where: { id, declaredSize: null, state: 'PENDING' },
      data: { declaredSize: size, reservedBytes: { increment: missing } },
    });
    if (count === 0) throw new UploadRefused('UPLOAD_BUSY');
  });
}

/**
 * How far an upload is. All bytes of one may be there while the process that should have made a file of them is dead: then
 * the file is made now.
 * @throws NotFound; UploadRefused for one that ended without a file, or whose size nobody has said
 */
export async function resumableProgress(ctx: Ctx, lease: ResumableLease): Promise<Progress> {
  const upload = await ctx.db.upload.findUnique({ where: { id: lease.uploadId } });
  if (upload && ['READY', 'SCANNING'].includes(upload.state))
    return { size: Number(upload.receivedBytes), offset: Number(upload.receivedBytes) };
  const { declaredSize, ...open } = await openUpload(ctx, lease);
  const size = Number(declaredSize ?? 0);
  const draft = draftOf(open);
  if (!draft) {
    // No bytes follow.
    if (declaredSize === 0n) await appendBytes(ctx, lease, { offset: 0, source: noBytes() });
    return { size, offset: 0 };
  }
  const offset = await ctx.platform.storage.draftSize(draft);
  if (offset === size) await complete(ctx, lease, draft);
  return { size, offset };
}

/**
 * Adds bytes to the end of an upload. What came before the connection broke off is kept; a file is made once all is there.
 * @returns how many bytes there are now
 * @throws UploadRefused, after which the upload is over and nothing is kept; NotFound
 */
export async function appendBytes(
  ctx: Ctx,
  lease: ResumableLease,
  { offset, source }: { offset: number; source: AsyncIterable<Uint8Array> },
): Promise<number> {
  const { storage } = ctx.platform;
  const upload = await openUpload(ctx, lease);
  const draft = draftOf(upload) ?? (await beginDraft(ctx, lease));
  const size = Number(upload.declaredSize ?? 0);
  const counted = counting(source, lease, offset);
  try {
    await storage.append(draft, size, offset === 0 ? headInspected(counted, upload.name) : counted);
  } catch (error) {
    if (error instanceof AppError) await fail(ctx, lease, error);
    throw error;
  }
  const kept = await storage.draftSize(draft);
  await ctx.db.upload.updateMany({
    where: { id: upload.id, leaseId: lease.leaseId },
    data: { receivedBytes: kept, activeAt: ctx.now() },
  });
  if (kept === size) await complete(ctx, lease, draft);
  return kept;
}

/** Ends an upload that its client does not want any more. */
export async function terminateResumable(ctx: Ctx, { uploadId }: ResumableLease): Promise<void> {
  await closeUpload(ctx, { uploadId, state: 'ABORTED', failure: null });
}

/** An upload that takes bytes, of a maker who may still upload. @throws NotFound, UploadRefused */
async function openUpload(ctx: Ctx, { uploadId, leaseId }: ResumableLease): Promise<Upload> {
  const upload = await ctx.db.upload.findUnique({ where: { id: uploadId } });
  if (!upload || !(await standingBearer(ctx, upload, 'write'))) throw new NotFound();
  const isOpen = upload.leaseId === leaseId && ctx.now() < upload.expiresAt;
  if (!isOpen || !['PENDING', 'RECEIVING'].includes(upload.state)) throw refusalOf(upload);
  return upload;
}

function draftOf({ storageKey, draft }: Pick<Upload, 'storageKey' | 'draft'>): Draft | null {
  return storageKey !== null && draft !== null ? { key: storageKey, handle: draft } : null;
}

/** The row names the key before there is anything under it, so that nothing of it is ever lost sight of. */
async function beginDraft(ctx: Ctx, { uploadId, leaseId }: ResumableLease): Promise<Draft> {
  const key = newStorageKey();
  const { count } = await ctx.db.upload.updateMany({
    where: { id: uploadId, leaseId, state: 'PENDING' },
    data: { state: 'RECEIVING', storageKey: key, activeAt: ctx.now() },
  });
  if (count === 0) throw new UploadRefused('UPLOAD_BUSY');
  const handle = await ctx.platform.storage.begin(key);
  await ctx.db.upload.updateMany({ where: { id: uploadId, leaseId }, data: { draft: handle } });
  return { key, handle };
}

async function* counting(
  source: AsyncIterable<Uint8Array>,
  lease: ResumableLease,
  offset: number,
): AsyncIterable<Uint8Array> {
  lease.receivedBytes = offset;
  for await (const chunk of source) {
    lease.receivedBytes += chunk.length;
    yield chunk;
  }
}

/** Looks at the bytes as a whole, which came in pieces, and makes a file of them. @throws UploadRefused */
async function complete(ctx: Ctx, lease: ResumableLease, draft: Draft): Promise<void> {
  const { uploadId, leaseId } = lease;
  const upload = await ctx.db.upload.findUniqueOrThrow({ where: { id: uploadId } });
  const actor = await standingBearer(ctx, upload, 'write');
  const ownCtx = { ...ctx, actor: actor ?? ctx.actor };
  try {
    if (!actor) throw new NotFound();
    await ctx.platform.storage.finish(draft);
    const { found, sha256, size } = await inspectStored(ctx, draft.key, upload.name);
    if (upload.declaredSha256 !== null && upload.declaredSha256 !== sha256) throw new UploadRefused('DIGEST_MISMATCH');
    const stored = { storageKey: draft.key, size, sha256, type: found.type };
    await requireHarmlessArchive(ctx, stored);
    await acceptBytes(ownCtx, { uploadId, leaseId, ...stored });
  } catch (error) {
    if (error instanceof AppError) await fail(ownCtx, lease, error);
    throw error;
  }
}

async function inspectStored(ctx: Ctx, key: string, name: string) {
  const [hash, found]: [ReturnType<typeof createHash>, Found] = [createHash('sha256'), { type: '' }];
  let size = 0;
  for await (const chunk of inspected(await ctx.platform.storage.read(key), name, found)) {
    hash.update(chunk);
    size += chunk.length;
  }
  return { found, size, sha256: hash.digest('hex') };
}

async function fail(ctx: Ctx, { uploadId, leaseId }: ResumableLease, error: AppError): Promise<void> {
  await closeUpload(ctx, { uploadId, state: 'FAILED', failure: error.code, leaseId });
}
