import type { Ctx } from '../../context.ts';
import { transact } from '../../platform/db.ts';
import { encodeId, nilId } from '../../platform/typeid.ts';
import { recordAudit } from '../audit/audit.service.ts';
import { recountStorage } from '../quotas/storage.service.ts';

const atOnce = 100;

/**
 * Counts every organization's bytes anew and looks whether each file has its object, until `signal` aborts. A counter that
 * has drifted is put right, with an audit entry; a file without its bytes is told to the log and stays, for a backup may
 * bring them back.
 */
export async function reconcileStorage(ctx: Ctx, signal: AbortSignal): Promise<void> {
  let [drifted, lost] = [0, 0];
  for (let after: string = nilId; !signal.aborted; ) {
    const usages = await ctx.db.storageUsage.findMany({
      where: { organizationId: { gt: after } },
      orderBy: { organizationId: 'asc' },
      take: atOnce,
    });
    for (const { organizationId } of usages) if (await correct(ctx, organizationId)) drifted += 1;
    after = usages.at(-1)?.organizationId ?? '';
    if (usages.length < atOnce) break;
  }
  for (let after: string = nilId; !signal.aborted; ) {
    const files = await ctx.db.file.findMany({ where: { id: { gt: after } }, orderBy: { id: 'asc' }, take: atOnce });
    for (const file of files) if (await isLost(ctx, file)) lost += 1;
    after = files.at(-1)?.id ?? '';
    if (files.length < atOnce) break;
  }
  ctx.log[drifted + lost > 0 ? 'error' : 'info']({ drifted, lost }, 'the storage was reconciled');
}

/** @returns whether there was anything to correct */
function correct(ctx: Ctx, organizationId: string): Promise<boolean> {
  return transact(ctx, async (ctx) => {
    const drift = await recountStorage(ctx, organizationId);
    if (!drift) return false;
    await recordAudit(ctx, {
      organizationId,
      action: 'storage.corrected',
      targetType: 'Organization',
      targetId: organizationId,
      metadata: { ...drift },
    });
    ctx.log.error(
      { organizationId: encodeId('Organization', organizationId), ...drift },
      'a storage counter had drifted',
    );
    return true;
  });
}

async function isLost(ctx: Ctx, file: { id: string; storageKey: string; size: bigint }): Promise<boolean> {
  const stored = await ctx.platform.storage.size(file.storageKey);
  if (stored === Number(file.size)) return false;
  // Purged since the list was read?
  if ((await ctx.db.file.count({ where: { id: file.id } })) === 0) return false;
  ctx.log.error({ fileId: encodeId('File', file.id), stored }, 'a file has not the bytes that it should have');
  return true;
}
