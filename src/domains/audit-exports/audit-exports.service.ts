import { z } from 'zod';
import type { Actor, Ctx } from '../../context.ts';
import { parseInput } from '../../errors.ts';
import type { AuditExport, Prisma } from '../../generated/prisma/client.ts';
import { enqueue } from '../../jobs/queue.ts';
import { transact } from '../../platform/db.ts';
import { limitDone } from '../../platform/rate-limit.ts';
import { newId } from '../../platform/typeid.ts';
import { recordAudit } from '../audit/audit.service.ts';
import { openOrganizations, signedInActor } from '../members/members.access.ts';

const lifetimeMs = 86_400_000;

const Range = z
  .object({ from: z.date().nullish(), to: z.date().nullish() })
  .refine(({ from, to }) => !from || !to || from < to, { path: ['to'], message: 'Name a moment after `from`.' });

/**
 * Begins to copy a stretch of an audit log; what it holds is fixed here, and a job writes it.
 * @throws ValidationFailed; RateLimited after ten of one organization in an hour
 */
export async function exportAuditLog(
  ctx: Ctx,
  input: { organizationId: string; from?: Date | null | undefined; to?: Date | null | undefined },
): Promise<AuditExport> {
  const { organizationId } = input;
  const { userId: requestedById } = signedInActor(ctx);
  const { from, to } = parseInput(Range, input);
  const begin = async (ctx: Ctx) => {
    const now = ctx.now();
    const expiresAt = new Date(now.getTime() + lifetimeMs);
    const stretch = await stretchOf(ctx, { organizationId, from, to });
    const auditExport = await ctx.db.auditExport.create({
      data: { id: newId(), organizationId, requestedById, ...stretch, createdAt: now, expiresAt },
    });
    await enqueue(ctx, 'auditExport.write', { auditExportId: auditExport.id });
    await recordAudit(ctx, {
      organizationId,
      action: 'auditLog.exportRequested',
      targetType: 'AuditExport',
      targetId: auditExport.id,
      metadata: describeExport(auditExport),
    });
    return auditExport;
  };
  return limitDone(ctx, { name: 'auditExport', key: organizationId }, () => transact(ctx, begin));
}

/** What the audit log says of an export. */
export function describeExport({ requestedById, firstSequence, lastSequence }: AuditExport) {
  return { requestedByUserId: requestedById, firstSequence: Number(firstSequence), lastSequence: Number(lastSequence) };
}

/** The exports that the caller may see: those they asked for, while they may read the log. */
export function visibleAuditExports({ actor, now }: { actor: Actor; now: () => Date }): Prisma.AuditExportWhereInput {
  if (actor.kind !== 'user' || actor.mfaSatisfiedAt === null) return { id: { in: [] } };
  return {
    requestedById: actor.userId,
    expiresAt: { gt: now() },
    organization: openOrganizations(actor, 'OWNER', 'ADMIN'),
  };
}

/** Deletes the exports whose day is over. May run at any time, twice too. */
export async function removeExpiredExports({ db, now }: Ctx): Promise<void> {
  await db.auditExport.deleteMany({ where: { expiresAt: { lte: now() } } });
}

/** From the first entry at or after `from` to the last one before `to`; between them nothing is left out. */
async function stretchOf(
  { db }: Ctx,
  input: { organizationId: string; from?: Date | null | undefined; to?: Date | null | undefined },
) {
  const { organizationId: chainId, from, to } = input;
  const { _min } = await db.auditEntry.aggregate({
    where: { chainId, ...(from && { createdAt: { gte: from } }) },
    _min: { sequence: true },
  });
  const { _max } = await db.auditEntry.aggregate({
    where: { chainId, ...(to && { createdAt: { lt: to } }) },
    _max: { sequence: true },
  });
  if (_min.sequence === null || _max.sequence === null) return { firstSequence: 1n, lastSequence: 0n };
  return { firstSequence: _min.sequence, lastSequence: _max.sequence };
}
