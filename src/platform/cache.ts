import { createHash } from 'node:crypto';
import { deserialize, serialize } from 'node:v8';
import type { Redis } from 'ioredis';
import { LRUCache } from 'lru-cache';

type Plain = string | number | bigint | boolean | null | undefined | Date | Uint8Array;

/** `T` where all of it comes back from a cache as it was; `never` in place of what would not: functions, so also classes with methods. */
export type Cacheable<T> = T extends Plain
  ? T
  : T extends (...args: never[]) => unknown
    ? never
    : T extends ReadonlyMap<infer Key, infer Value>
      ? ReadonlyMap<Cacheable<Key>, Cacheable<Value>>
      : T extends ReadonlySet<infer Item>
        ? ReadonlySet<Cacheable<Item>>
        : T extends object
          ? { [Name in keyof T]: Cacheable<T[Name]> }
          : never;

/** Bytes by key, forgotten after a time. Never a reason to fail: what cannot be reached holds nothing. */
export interface Cache {
  read(key: string): Promise<Buffer | null>;
  write(key: string, value: Buffer, seconds: number): Promise<void>;
}

export interface CachePolicy {
  /** Of the function; another meaning of its result needs another name. */
  readonly name: string;
  readonly seconds: number;
}

const memoryMaxBytes = 16 * 1024 * 1024;

/** In Redis, so that all processes share it; in this process without one. */
export function createCache(redis: Redis | null): Cache {
  if (redis) {
    return {
      read: (key) => redis.getBuffer(key).catch(() => null),
      write: async (key, value, seconds) => void (await redis.set(key, value, 'EX', seconds).catch(() => null)),
    };
  }
  const memory = new LRUCache<string, Buffer>({ maxSize: memoryMaxBytes, sizeCalculation: ({ length }) => length + 1 });
  return {
    read: async (key) => memory.get(key) ?? null,
    write: async (key, value, seconds) => void memory.set(key, value, { ttl: seconds * 1000 }),
  };
}

/**
 * `work`, whose results are kept by its arguments for a while. They come back equal in type and value, as structured clone
 * keeps dates, big integers, bytes, maps and what is nested; a result that it would not keep does not compile (F33). What
 * `work` throws is not kept.
 */
export function cached<Args extends readonly unknown[], Result>(
  cache: Cache,
  { name, seconds }: CachePolicy,
  work: (...args: Args) => Promise<Result & Cacheable<Result>>,
): Args extends Cacheable<Args> ? (...args: Args) => Promise<Result> : never {
  const run = async (...args: Args): Promise<Result> => {
    const key = `gatehouse:cache:${name}:${createHash('sha256').update(serialize(args)).digest('base64url')}`;
    const kept = await cache.read(key);
    if (kept) return deserialize(kept) as Result;
    const result = await work(...args);
    await cache.write(key, serialize(result), seconds);
    return result;
  };
  return run as ReturnType<typeof cached<Args, Result>>;
}
