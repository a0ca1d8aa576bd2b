import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Ctx } from '../../context.ts';
import { startBeating } from './heartbeat.ts';
import { tellProgress } from './upload-ends.service.ts';
import { staleAfterMs } from './upload-lease.service.ts';
import { UploadRefused } from './upload-refusal.ts';

const askAgainMs = 250;
const patienceMs = 20_000;

/** One request's hold on a resumable upload, across all processes. */
export interface ResumableLease {
  readonly uploadId: string;
  readonly leaseId: string;
  /** How many bytes have come, to be told with each beat. */
  receivedBytes: number | null;
  release(): Promise<void>;
}

/**
 * Takes a resumable upload for one request. Whoever has it is asked to let go, and loses it when their process is dead.
 * Calls `letGo` once another request waits. One that has ended needs no lease, and gets one that nothing stands on.
 * @throws UploadRefused when it stays busy
 */
export async function leaseResumable(
  ctx: Ctx,
  { uploadId, signal, letGo }: { uploadId: string; signal: AbortSignal; letGo: () => void },
): Promise<ResumableLease> {
  const leaseId = randomUUID();
  for (const since = performance.now(); !(await takeLease(ctx, uploadId, leaseId)); await delay(askAgainMs)) {
    const state = await ctx.db.upload.findUnique({ where: { id: uploadId }, select: { state: true } });
    if (state?.state !== 'PENDING' && state?.state !== 'RECEIVING') break;
    if (signal.aborted || performance.now() - since > patienceMs) throw new UploadRefused('UPLOAD_BUSY');
    await ctx.db.upload.updateMany({ where: { id: uploadId }, data: { leaseWanted: true } });
  }
  return keep(ctx, { uploadId, leaseId }, letGo);
}

async function takeLease(ctx: Ctx, uploadId: string, leaseId: string): Promise<boolean> {
  const now = ctx.now();
  const { count } = await ctx.db.upload.updateMany({
    where: {
      id: uploadId,
      state: { in: ['PENDING', 'RECEIVING'] },
      OR: [{ leaseId: null }, { activeAt: { lt: new Date(now.getTime() - staleAfterMs) } }],
    },
    data: { leaseId, leaseWanted: false, activeAt: now },
  });
  return count === 1;
}

function keep(
  ctx: Ctx,
  { uploadId, leaseId }: { uploadId: string; leaseId: string },
  letGo: () => void,
): ResumableLease {
  const where = { id: uploadId, leaseId };
  const beat = async () => {
    const { receivedBytes } = lease;
    await ctx.db.upload.updateMany({
      where,
      data: { activeAt: ctx.now(), ...(receivedBytes !== null && { receivedBytes }) },
    });
    if (receivedBytes !== null) tellProgress(ctx, uploadId);
    const upload = await ctx.db.upload.findUnique({ where: { id: uploadId } });
    if (!upload || upload.leaseId !== leaseId || upload.leaseWanted) letGo();
  };
  const beating = startBeating(ctx, beat);
  const lease: ResumableLease = {
    uploadId,
    leaseId,
    receivedBytes: null,
    async release() {
      await beating.stop();
      await ctx.db.upload.updateMany({ where, data: { leaseId: null } });
    },
  };
  return lease;
}
