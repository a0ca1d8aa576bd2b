import { constants, type Dirent } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, opendir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { type ByteRange, ObjectMissing, requireStorageKey, type Storage, type StoredObject } from './storage.ts';

const draftEnd = '.draft';
const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } = constants;

/** Objects as files in a folder of this machine. A file is written aside, synced and then renamed, so that it is whole or not there. */
export function createLocalStorage(folder: string): Storage {
  const fileOf = (key: string) => {
    requireStorageKey(key);
    return path.join(folder, key.slice(0, 2), key);
  };
  const draftOf = (key: string) => fileOf(key) + draftEnd;
  return {
    async put(key, source) {
      try {
        await writeNew(draftOf(key), source);
        await publish(draftOf(key), fileOf(key));
      } catch (error) {
        await rm(draftOf(key), { force: true });
        throw error;
      }
    },
    async begin(key) {
      await writeNew(draftOf(key), []);
      return '';
    },
    append: async ({ key }, _size, source) => writeOn(draftOf(key), source),
    draftSize: async ({ key }) => sizeOfDraft(draftOf(key), fileOf(key)),
    finish: async ({ key }) => publish(draftOf(key), fileOf(key)),
    async size(key) {
      const found = await lstat(fileOf(key)).catch(() => null);
      return found?.size ?? null;
    },
    read: async (key, range) => readFile(fileOf(key), range),
    async remove(key) {
      await rm(fileOf(key), { force: true });
      await rm(draftOf(key), { force: true });
    },
    list: () => listFolder(folder),
  };
}

type Source = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

async function writeNew(file: string, source: Source): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  await withFile(file, O_CREAT | O_EXCL | O_WRONLY, async (handle) => {
    for await (const chunk of source) await handle.writeFile(chunk);
    await handle.sync();
  });
}

async function writeOn(file: string, source: Source): Promise<void> {
  await withFile(file, O_WRONLY | constants.O_APPEND, async (handle) => {
    try {
      for await (const chunk of source) await handle.writeFile(chunk);
    } finally {
      await handle.sync();
    }
  });
}

async function withFile(file: string, flags: number, work: (handle: FileHandle) => Promise<void>): Promise<void> {
  const handle = await open(file, flags | O_NOFOLLOW, 0o600);
  await work(handle).finally(() => handle.close());
}

/** A rename outlives a power cut once its folder is synced. */
async function publish(draft: string, file: string): Promise<void> {
  await rename(draft, file).catch(async (error: unknown) => {
    // Done before, by an attempt that came no further.
    if (!isMissing(error) || !(await exists(file))) throw error;
  });
  const handle = await open(path.dirname(file), O_RDONLY);
  await handle.sync().finally(() => handle.close());
}

async function sizeOfDraft(draft: string, file: string): Promise<number> {
  const found = await lstat(draft).catch(() => lstat(file));
  return found.size;
}

async function readFile(file: string, range?: ByteRange): Promise<Readable> {
  try {
    const handle = await open(file, O_RDONLY | O_NOFOLLOW);
    return handle.createReadStream({ ...range, highWaterMark: 256 * 1024 });
  } catch (error) {
    if (isMissing(error)) throw new ObjectMissing(path.basename(file));
    throw error;
  }
}

async function* listFolder(folder: string): AsyncIterable<StoredObject> {
  for await (const shelf of entriesOf(folder)) {
    for await (const { name } of entriesOf(path.join(folder, shelf.name))) {
      const found = await lstat(path.join(folder, shelf.name, name)).catch(() => null);
      if (found) yield { key: name.replace(draftEnd, ''), modifiedAt: found.mtime };
    }
  }
}

async function* entriesOf(folder: string): AsyncIterable<Dirent> {
  try {
    yield* await opendir(folder);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

const exists = (file: string) =>
  lstat(file).then(
    () => true,
    () => false,
  );

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
