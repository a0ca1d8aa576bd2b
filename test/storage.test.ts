import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createLocalStorage } from '../src/platform/storage/local.ts';
import { createS3Storage } from '../src/platform/storage/s3.ts';
import { newStorageKey, ObjectMissing, type Storage } from '../src/platform/storage/storage.ts';
import { anS3Server, hasS3 } from './support/s3-server.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'gatehouse-storage-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Every driver that can be tested here. */
const drivers: [string, () => Promise<Storage>][] = [['local', async () => createLocalStorage(folder)]];
if (hasS3)
  drivers.push([
    'S3',
    async () => {
      server = await anS3Server();
      return createS3Storage(server.config);
    },
  ]);
let server: Awaited<ReturnType<typeof anS3Server>> | undefined;
afterAll(() => server?.remove());

describe.each(drivers)('%s storage', (_name, make) => {
  let storage: Storage;
  beforeAll(async () => {
    storage = await make();
  }, 120_000);

  const textOf = async (key: string, range?: { start: number; end: number }) =>
    (await buffer(await storage.read(key, range))).toString();

  async function keys() {
    const found: string[] = [];
    for await (const { key } of storage.list()) found.push(key);
    return found;
  }

  async function* breaking(...texts: string[]) {
    for (const text of texts) yield Buffer.from(text);
    throw new Error('cut');
  }

  test('reads an object back whole and in part, and lists it until it is removed', async () => {
    const key = newStorageKey();
    await storage.put(key, bytes('hello ', 'world'));
    expect(await textOf(key)).toBe('hello world');
    expect(await textOf(key, { start: 6, end: 8 })).toBe('wor');
    expect(await keys()).toContain(key);
    expect(await storage.size(key)).toBe(11);
    await storage.remove(key);
    expect(await storage.size(key)).toBeNull();
    await expect(storage.read(key)).rejects.toThrow(ObjectMissing);
    expect(await keys()).not.toContain(key);
    await storage.remove(key);
  });

  test('holds an object of no bytes, and one of many parts', async () => {
    const [empty, big] = [newStorageKey(), newStorageKey()];
    await storage.put(empty, bytes());
    expect(await textOf(empty)).toBe('');
    const part = Buffer.alloc(1024 * 1024, 7);
    await storage.put(big, parts(part, 20));
    const whole = await buffer(await storage.read(big));
    expect([whole.length, whole.every((byte) => byte === 7)]).toEqual([20 * part.length, true]);
  });

  test('keeps nothing of a source that breaks off', async () => {
    const before = await keys();
    await expect(storage.put(newStorageKey(), breaking('half'))).rejects.toThrow('cut');
    const part = 'x'.repeat(9 * 1024 * 1024);
    await expect(storage.put(newStorageKey(), breaking(part, part))).rejects.toThrow('cut');
    expect(await keys()).toEqual(before);
  });

  test('takes a draft over several requests, one of them cut, and shows it once it is whole', async () => {
    const key = newStorageKey();
    const draft = { key, handle: await storage.begin(key) };
    const text = 'abcdefgh'.repeat(2 * 1024 * 1024);
    await expect(storage.append(draft, text.length, breaking(text.slice(0, 9_000_000)))).rejects.toThrow('cut');
    const kept = await storage.draftSize(draft);
    expect(kept).toBeGreaterThan(8_000_000);
    await expect(storage.read(key)).rejects.toThrow(ObjectMissing);
    expect(await keys()).toContain(key);
    await storage.append(draft, text.length, bytes(text.slice(kept)));
    await storage.finish(draft);
    await storage.finish(draft);
    expect((await textOf(key)) === text).toBe(true);
  });

  test('removes a draft with what has come of it', async () => {
    const key = newStorageKey();
    const draft = { key, handle: await storage.begin(key) };
    await storage.append(draft, 10, bytes('half'));
    await storage.remove(key);
    expect(await keys()).not.toContain(key);
  });

  test('takes no key that it has not made', async () => {
    for (const key of ['', '../outside', 'a'.repeat(63), `${'a'.repeat(64)}/b`]) {
      await expect(storage.put(key, bytes('x'))).rejects.toThrow('no storage key');
      await expect(storage.read(key)).rejects.toThrow('no storage key');
    }
  });
});

test('local storage follows no link and writes over nothing', async () => {
  const storage = createLocalStorage(folder);
  const [key, taken] = [newStorageKey(), newStorageKey()];
  const outside = path.join(folder, 'secret.txt');
  await writeFile(outside, 'secret');
  await mkdir(path.join(folder, key.slice(0, 2)), { recursive: true });
  await symlink(outside, path.join(folder, key.slice(0, 2), key));
  await expect(storage.read(key)).rejects.toThrow('ELOOP');
  await storage.put(taken, bytes('first'));
  await storage.begin(key);
  await expect(storage.begin(key)).rejects.toThrow('EEXIST');
  expect((await readdir(path.join(folder, key.slice(0, 2)))).sort()).toContain(`${key}.draft`);
  await rm(outside);
  await rm(path.join(folder, key.slice(0, 2), key));
});

async function* bytes(...texts: string[]) {
  for (const text of texts) yield Buffer.from(text);
}

async function* parts(part: Buffer, count: number) {
  for (let at = 0; at < count; at += 1) yield part;
}
