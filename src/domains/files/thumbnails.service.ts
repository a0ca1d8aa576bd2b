import { buffer } from 'node:stream/consumers';
import sharp from 'sharp';
import type { Ctx } from '../../context.ts';
import { newStorageKey } from '../../platform/storage/storage.ts';
import { isPicture } from './content-types.ts';

/** Pixels of the longer edge, by the name of the size. There are no others. */
export const thumbnailEdges = { SMALL: 64, MEDIUM: 256, LARGE: 1024 } as const;

const pixelsMax = 50_000_000;
const sourceMaxBytes = 50 * 1024 * 1024;
const secondsMax = 20;

/**
 * Makes the smaller pictures of a file that is a picture, without what a camera wrote into it. One that is too large, or
 * that cannot be read, has none. May run twice.
 */
export async function makeThumbnails(ctx: Ctx, { fileId }: { fileId: string }): Promise<void> {
  const file = await ctx.db.file.findUnique({ where: { id: fileId } });
  if (!file || !isPicture(file.contentType) || file.size > sourceMaxBytes) return;
  const source = await buffer(await ctx.platform.storage.read(file.storageKey));
  for (const edge of Object.values(thumbnailEdges)) {
    const bytes = await shrink(source, edge).catch((error: unknown) => {
      ctx.log.warn({ err: error }, 'a picture has no thumbnail');
      return null;
    });
    if (!bytes) return;
    await keep(ctx, { fileId, edge, bytes });
  }
}

/** A picture is turned as its camera says, and its metadata is left out. Dimensions are judged before anything is decoded. */
function shrink(source: Buffer, edge: number): Promise<Buffer> {
  return sharp(source, { limitInputPixels: pixelsMax, failOn: 'error', pages: 1 })
    .timeout({ seconds: secondsMax })
    .autoOrient()
    .resize({ width: edge, height: edge, fit: 'inside', withoutEnlargement: true })
    .webp({ quality: 80 })
    .toBuffer();
}

async function keep(ctx: Ctx, { fileId, edge, bytes }: { fileId: string; edge: number; bytes: Buffer }): Promise<void> {
  const storageKey = newStorageKey();
  await ctx.platform.storage.put(storageKey, once(bytes));
  try {
    const made = { fileId, edge, bytes: bytes.length, storageKey };
    const { count } = await ctx.db.thumbnail.createMany({ data: made, skipDuplicates: true });
    if (count === 1) return;
  } catch (error) {
    // The file may be gone by now.
    await ctx.platform.storage.remove(storageKey);
    if ((await ctx.db.file.count({ where: { id: fileId } })) > 0) throw error;
    return;
  }
  await ctx.platform.storage.remove(storageKey);
}

async function* once(bytes: Buffer): AsyncIterable<Buffer> {
  yield bytes;
}
