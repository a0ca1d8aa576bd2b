import { buffer } from 'node:stream/consumers';
import type { Ctx } from '../../context.ts';
import type { Storage } from '../../platform/storage/storage.ts';
import { isZip } from './content-types.ts';
import { UploadRefused } from './upload-refusal.ts';
import { directoryPlace, judgeDirectory, zipTailBytes } from './zip-directory.ts';

/** What an archive may unpack to, where that is more than so many times what it is. */
const harmlessBytes = 50 * 1024 * 1024;
const ratioMax = 100;
const directoryMaxBytes = 16 * 1024 * 1024;

interface StoredArchive {
  readonly storageKey: string;
  readonly size: number;
  readonly type: string;
}

/**
 * Reads what a ZIP, or a gzip, says of what is in it, and refuses what would explode, lead out of its folder, or run.
 * Nothing is unpacked.
 * @throws UploadRefused
 */
export async function requireHarmlessArchive({ platform: { storage } }: Ctx, archive: StoredArchive): Promise<void> {
  if (archive.type === 'application/gzip') await requireHarmlessGzip(storage, archive);
  if (isZip(archive.type)) await requireHarmlessZip(storage, archive);
}

async function requireHarmlessGzip(storage: Storage, { storageKey, size }: StoredArchive): Promise<void> {
  const tail = await bytesOf(storage, storageKey, { start: Math.max(0, size - 4), end: size - 1 });
  requireHarmlessRatio(tail.length === 4 ? tail.readUInt32LE() : 0, size);
}

async function requireHarmlessZip(storage: Storage, { storageKey, size }: StoredArchive): Promise<void> {
  const tail = await bytesOf(storage, storageKey, { start: Math.max(0, size - zipTailBytes), end: size - 1 });
  const place = directoryPlace(tail);
  if (!place || place.length > directoryMaxBytes || place.start + place.length > size)
    throw new UploadRefused('ARCHIVE_EXPLODES');
  if (place.length === 0) return;
  const directory = await bytesOf(storage, storageKey, { start: place.start, end: place.start + place.length - 1 });
  const { unpackedBytes, isSafe, runs } = judgeDirectory(directory);
  if (runs) throw new UploadRefused('UNSUPPORTED_TYPE');
  if (!isSafe) throw new UploadRefused('ARCHIVE_EXPLODES');
  requireHarmlessRatio(unpackedBytes, size);
}

function requireHarmlessRatio(unpackedBytes: number, size: number): void {
  if (unpackedBytes > harmlessBytes && unpackedBytes > ratioMax * size) throw new UploadRefused('ARCHIVE_EXPLODES');
}

async function bytesOf(storage: Storage, key: string, range: { start: number; end: number }): Promise<Buffer> {
  return buffer(await storage.read(key, range));
}
