import type { Ctx } from '../../context.ts';
import type { UploadState } from '../../generated/prisma/client.ts';
import { afterCommit, transact } from '../../platform/db.ts';
import { recordAudit } from '../audit/audit.service.ts';
import { releaseReservation } from '../quotas/storage.service.ts';
import { removeDiscarded } from './discarded-objects.service.ts';

/** States in which an upload holds a reservation. */
export const openStates: readonly UploadState[] = ['PENDING', 'RECEIVING', 'SCANNING'];

type BadEnd = Extract<UploadState, 'FAILED' | 'ABORTED' | 'EXPIRED' | 'QUARANTINED'>;

interface Ending {
  readonly uploadId: string;
  readonly state: BadEnd;
  /** Why, as a code. */
  readonly failure: string | null;
  /** Only while this request, or nobody for null, has the upload for itself. */
  readonly leaseId?: string | null;
}

const actions: Record<BadEnd, string> = {
  FAILED: 'upload.failed',
  ABORTED: 'upload.aborted',
  EXPIRED: 'upload.expired',
  QUARANTINED: 'upload.quarantined',
};

/**
 * Ends an open upload without a file: its reservation and its object are given back, once, however many end it at the same
 * time. @returns whether this call ended it
 */
export async function closeUpload(ctx: Ctx, ending: Ending): Promise<boolean> {
  const storageKey = await transact(ctx, (ctx) => close(ctx, ending));
  if (storageKey === undefined) return false;
  if (storageKey !== null) await removeDiscarded(ctx, [storageKey]);
  return true;
}

/** @returns the key of what was stored, null when nothing was, undefined when the upload was not open any more */
async function close(ctx: Ctx, { uploadId, state, failure, leaseId }: Ending): Promise<string | null | undefined> {
  const [upload] = await ctx.db.$queryRaw<{ organizationId: string; reserved: bigint; storageKey: string | null }[]>`
    WITH before AS (
      SELECT id, organization_id, reserved_bytes, storage_key FROM uploads
      WHERE id = ${uploadId}::uuid AND state IN ('PENDING', 'RECEIVING', 'SCANNING')
        AND (${leaseId === undefined} OR lease_id IS NOT DISTINCT FROM ${leaseId ?? null}::uuid)
      FOR UPDATE
    )
    UPDATE uploads SET state = ${state}::"UploadState", failure = ${failure}, reserved_bytes = 0, storage_key = NULL,
      draft = NULL, lease_id = NULL
    FROM before WHERE uploads.id = before.id
    RETURNING before.organization_id AS "organizationId", before.reserved_bytes AS reserved,
      before.storage_key AS "storageKey"`;
  if (!upload) return undefined;
  const { organizationId, reserved, storageKey } = upload;
  if (reserved > 0n) await releaseReservation(ctx, { organizationId, bytes: Number(reserved) });
  if (storageKey !== null) await ctx.db.discardedObject.createMany({ data: { storageKey }, skipDuplicates: true });
  await recordAudit(ctx, {
    organizationId,
    action: actions[state],
    targetType: 'Upload',
    targetId: uploadId,
    ...(failure !== null && { metadata: { reason: failure } }),
  });
  tellProgress(ctx, uploadId);
  return storageKey;
}

/** Wakes whoever follows an upload, once the change is committed. */
export function tellProgress(ctx: Ctx, uploadId: string): void {
  afterCommit(ctx, () => ctx.platform.pubsub.publish('uploadProgress', uploadId, { uploadId }));
}
