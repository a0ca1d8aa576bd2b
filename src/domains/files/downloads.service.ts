import type { Readable } from 'node:stream';
import type { Actor, Ctx } from '../../context.ts';
import { Forbidden, NotFound } from '../../errors.ts';
import type { File } from '../../generated/prisma/client.ts';
import type { ByteRange } from '../../platform/storage/storage.ts';
import { standingBearer } from './bearer.service.ts';
import { type DownloadGrant, isSigned } from './download-link.ts';

/** Bytes that may go out, and on whose behalf. */
export interface Download {
  readonly file: File;
  readonly actor: Actor;
  readonly name: string;
  readonly storageKey: string;
  readonly size: number;
  readonly contentType: string;
}

/**
 * What a link opens now: it must be ours and in time, the file not in the trash, and whoever asked for the link must still be
 * allowed to read the file.
 * @throws Forbidden for a link that is not ours or over; NotFound
 */
export async function openDownload(
  ctx: Ctx,
  grant: DownloadGrant & { readonly keyId: string; readonly signature: string },
): Promise<Download> {
  const file = await ctx.db.file.findUnique({ where: { id: grant.fileId } });
  if (!file) throw new NotFound();
  if (!isSigned(ctx.platform.keyring, grant, file)) throw new Forbidden('This link is not one of ours.');
  if (grant.expiresAt * 1000 <= ctx.now().getTime()) throw new Forbidden('The time of this link is over.');
  const actor = file.trashedAt === null ? await standingBearer(ctx, { ...file, ...grant }, 'read') : null;
  if (!actor) throw new NotFound();
  if (grant.thumbnailEdge === null)
    return {
      file,
      actor,
      name: file.name,
      storageKey: file.storageKey,
      size: Number(file.size),
      contentType: file.contentType,
    };
  const thumbnail = await ctx.db.thumbnail.findUnique({
    where: { fileId_edge: { fileId: file.id, edge: grant.thumbnailEdge } },
  });
  if (!thumbnail) throw new NotFound();
  const { storageKey, bytes: size } = thumbnail;
  return { file, actor, name: `${file.name}.webp`, storageKey, size, contentType: 'image/webp' };
}

/** The bytes of a download, or a part of them. */
export function readDownload(ctx: Ctx, { storageKey }: Download, range: ByteRange | null): Promise<Readable> {
  return ctx.platform.storage.read(storageKey, range ?? undefined);
}

/** Counts bytes that have left. */
export async function countEgress(
  ctx: Ctx,
  { organizationId, bytes }: { organizationId: string; bytes: number },
): Promise<void> {
  if (bytes === 0) return;
  const day = ctx.now().toISOString().slice(0, 10);
  // An organization that is gone has nothing to count for.
  await ctx.db.$executeRaw`
    INSERT INTO egress_days (organization_id, day, bytes)
    SELECT id, ${day}::date, ${bytes}::bigint FROM organizations WHERE id = ${organizationId}::uuid
    ON CONFLICT (organization_id, day) DO UPDATE SET bytes = egress_days.bytes + excluded.bytes`;
}
