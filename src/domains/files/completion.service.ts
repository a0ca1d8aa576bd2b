import type { Ctx } from '../../context.ts';
import { enqueue } from '../../jobs/queue.ts';
import { transact } from '../../platform/db.ts';
import { newId } from '../../platform/typeid.ts';
import { recordAudit } from '../audit/audit.service.ts';
import { settleStorage } from '../quotas/storage.service.ts';
import { isPicture } from './content-types.ts';
import { recordFileEvent } from './file-events.service.ts';
import { tellProgress } from './upload-ends.service.ts';
import { UploadRefused } from './upload-refusal.ts';

/** What lies in the storage, and what was found in it. */
export interface StoredBytes {
  readonly storageKey: string;
  readonly size: number;
  readonly sha256: string;
  readonly type: string;
}

interface Completion extends StoredBytes {
  readonly uploadId: string;
  /** The request that has the upload for itself, null for a job. */
  readonly leaseId: string | null;
}

interface Closed {
  readonly organizationId: string;
  readonly createdById: string | null;
  readonly name: string;
  readonly reserved: bigint;
}

/**
 * Makes a file of what has arrived, and turns the reservation into use, once.
 * @throws UploadRefused when the upload was ended meanwhile
 */
export async function completeUpload(ctx: Ctx, completion: Completion): Promise<void> {
  await transact(ctx, async (ctx) => {
    const { uploadId, storageKey, size, sha256, type } = completion;
    const upload = await takeReady(ctx, completion);
    if (!upload) throw new UploadRefused('UPLOAD_OVER');
    const { organizationId, name, createdById, reserved } = upload;
    await settleStorage(ctx, { organizationId, reserved: Number(reserved), size });
    const file = await ctx.db.file.create({
      data: {
        id: newId(),
        organizationId,
        uploadedById: createdById,
        name,
        size,
        contentType: type,
        sha256,
        storageKey,
        createdAt: ctx.now(),
      },
    });
    await ctx.db.upload.update({ where: { id: uploadId }, data: { fileId: file.id } });
    await recordFileEvent(ctx, file, 'file.created');
    if (isPicture(type)) await enqueue(ctx, 'file.makeThumbnails', { fileId: file.id });
    await recordAudit(ctx, {
      organizationId,
      action: 'file.created',
      targetType: 'File',
      targetId: file.id,
      metadata: { name, size, contentType: type, uploadId },
    });
    tellProgress(ctx, uploadId);
  });
}

/** The object is the file's from here on. */
async function takeReady(ctx: Ctx, { uploadId, leaseId, size }: Completion): Promise<Closed | null> {
  const [closed] = await ctx.db.$queryRaw<Closed[]>`
    WITH before AS (
      SELECT id, organization_id, created_by_id, name, reserved_bytes FROM uploads
      WHERE id = ${uploadId}::uuid AND state IN ('RECEIVING', 'SCANNING')
        AND lease_id IS NOT DISTINCT FROM ${leaseId}::uuid
      FOR UPDATE
    )
    UPDATE uploads SET state = 'READY', received_bytes = ${size}::bigint, reserved_bytes = 0, storage_key = NULL,
      draft = NULL, lease_id = NULL
    FROM before WHERE uploads.id = before.id
    RETURNING before.organization_id AS "organizationId", before.created_by_id AS "createdById", before.name,
      before.reserved_bytes AS reserved`;
  return closed ?? null;
}
