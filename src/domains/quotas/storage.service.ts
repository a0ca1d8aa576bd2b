import type { Ctx } from '../../context.ts';
import { QuotaExceeded } from '../../errors.ts';
import { limitOf } from './limits.service.ts';

/** A number of bytes of one organization. */
export interface Bytes {
  readonly organizationId: string;
  readonly bytes: number;
}

/** How many bytes are taken: those of files, the trash included, and those set aside for open uploads. */
async function storageUsed(ctx: Ctx, organizationId: string): Promise<number> {
  const usage = await ctx.db.storageUsage.findUnique({ where: { organizationId } });
  return Number((usage?.usedBytes ?? 0n) + (usage?.reservedBytes ?? 0n));
}

/**
 * Sets bytes aside for an upload, in one conditional update: however many ask at once, all of them together stay under the limit.
 * @throws QuotaExceeded
 */
export async function reserveStorage(ctx: Ctx, { organizationId, bytes }: Bytes): Promise<void> {
  const limit = await prepare(ctx, organizationId);
  const reserved = await ctx.db.$executeRaw`
    UPDATE storage_usages SET reserved_bytes = reserved_bytes + ${bytes}::bigint
    WHERE organization_id = ${organizationId}::uuid
      AND used_bytes + reserved_bytes + ${bytes}::bigint <= ${limit}::bigint`;
  if (reserved === 0) await refuse(ctx, organizationId, limit);
}

/** As `reserveStorage`, but takes what is left where that is less. @returns how many bytes it took @throws QuotaExceeded when nothing is left */
export async function reserveStorageUpTo(ctx: Ctx, { organizationId, bytes }: Bytes): Promise<number> {
  const limit = await prepare(ctx, organizationId);
  const [taken] = await ctx.db.$queryRaw<{ bytes: bigint }[]>`
    WITH room AS (
      SELECT least(${bytes}::bigint, ${limit}::bigint - used_bytes - reserved_bytes) AS bytes FROM storage_usages
      WHERE organization_id = ${organizationId}::uuid FOR UPDATE
    )
    UPDATE storage_usages SET reserved_bytes = reserved_bytes + room.bytes FROM room
    WHERE organization_id = ${organizationId}::uuid AND room.bytes > 0
    RETURNING room.bytes`;
  return taken ? Number(taken.bytes) : refuse(ctx, organizationId, limit);
}

/** Turns a reservation into the bytes of a file, in the transaction that makes the file. */
export async function settleStorage(
  ctx: Ctx,
  { organizationId, reserved, size }: { organizationId: string; reserved: number; size: number },
): Promise<void> {
  await ctx.db.storageUsage.update({
    where: { organizationId },
    data: { reservedBytes: { decrement: reserved }, usedBytes: { increment: size } },
  });
}

/** Gives back a reservation, in the transaction that closes the upload. */
export async function releaseReservation(ctx: Ctx, { organizationId, bytes }: Bytes): Promise<void> {
  await ctx.db.storageUsage.update({ where: { organizationId }, data: { reservedBytes: { decrement: bytes } } });
}

/** Gives back the bytes of a file, in the transaction that deletes its row. */
export async function releaseStorage(ctx: Ctx, { organizationId, bytes }: Bytes): Promise<void> {
  await ctx.db.storageUsage.update({ where: { organizationId }, data: { usedBytes: { decrement: bytes } } });
}

/** Makes sure that there is a row to count in, and gives the limit. */
async function prepare(ctx: Ctx, organizationId: string): Promise<number> {
  await ctx.db.$executeRaw`
    INSERT INTO storage_usages (organization_id) VALUES (${organizationId}::uuid) ON CONFLICT DO NOTHING`;
  return limitOf(ctx, { organizationId, resource: 'STORAGE_BYTES' });
}

async function refuse(ctx: Ctx, organizationId: string, limit: number): Promise<never> {
  const used = await storageUsed(ctx, organizationId);
  throw new QuotaExceeded({ resource: 'STORAGE_BYTES', limit, used, resetsAt: null });
}

/** What a counter said and what the rows say, of used and of reserved bytes. */
export interface Drift {
  readonly usedBefore: number;
  readonly usedAfter: number;
  readonly reservedBefore: number;
  readonly reservedAfter: number;
}

/**
 * Sets an organization's counters to the sums of its rows, in the caller's transaction. Whoever changes rows changes the
 * counter in the same transaction, so under its lock both are as of one moment.
 * @returns null when they were right
 */
export async function recountStorage(ctx: Ctx, organizationId: string): Promise<Drift | null> {
  const [before] = await ctx.db.$queryRaw<{ used: bigint; reserved: bigint }[]>`
    SELECT used_bytes AS used, reserved_bytes AS reserved FROM storage_usages
    WHERE organization_id = ${organizationId}::uuid FOR UPDATE`;
  const files = await ctx.db.file.aggregate({ where: { organizationId }, _sum: { size: true } });
  const uploads = await ctx.db.upload.aggregate({ where: { organizationId }, _sum: { reservedBytes: true } });
  const [usedBytes, reservedBytes] = [files._sum.size ?? 0n, uploads._sum.reservedBytes ?? 0n];
  if (!before || (before.used === usedBytes && before.reserved === reservedBytes)) return null;
  await ctx.db.storageUsage.update({ where: { organizationId }, data: { usedBytes, reservedBytes } });
  return {
    usedBefore: Number(before.used),
    usedAfter: Number(usedBytes),
    reservedBefore: Number(before.reserved),
    reservedAfter: Number(reservedBytes),
  };
}
