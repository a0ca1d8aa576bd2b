import { randomBytes } from 'node:crypto';
import type { Readable } from 'node:stream';

export interface StoredObject {
  readonly key: string;
  readonly modifiedAt: Date;
}

/** An object that comes in several requests, and how the storage knows it. */
export interface Draft {
  readonly key: string;
  readonly handle: string;
}

/** From `start` to `end`, both included. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** Where the bytes of files lie. Keys are random and say nothing of the file. */
export interface Storage {
  /** Whole and durable when it resolves, not there at all when it rejects. @throws what `source` throws */
  put(key: string, source: AsyncIterable<Uint8Array>): Promise<void>;
  /** Begins a draft; nobody can read it before `finish`. */
  begin(key: string): Promise<Draft['handle']>;
  /**
   * Adds to the end of a draft that will have `size` bytes. A source that throws ends it early, and maybe costs some of the
   * bytes: `draftSize` says how many are kept.
   */
  append(draft: Draft, size: number, source: AsyncIterable<Uint8Array>): Promise<void>;
  /** How many bytes of a draft are kept. */
  draftSize(draft: Draft): Promise<number>;
  /** Makes a whole draft an object. May be repeated. */
  finish(draft: Draft): Promise<void>;
  /** How many bytes an object has; null when there is none. */
  size(key: string): Promise<number | null>;
  /** @throws ObjectMissing */
  read(key: string, range?: ByteRange): Promise<Readable>;
  /** Takes away the object and every draft of this key. What is not there is as good as removed. */
  remove(key: string): Promise<void>;
  /** Every object, in no order, drafts too. */
  list(): AsyncIterable<StoredObject>;
}

export class ObjectMissing extends Error {
  constructor(key: string) {
    super(`there is no object ${key}`);
    this.name = 'ObjectMissing';
  }
}

const keyForm = /^[0-9a-f]{64}$/;

/** A key for a new object: 256 random bits. */
export function newStorageKey(): string {
  return randomBytes(32).toString('hex');
}

/** Whether a text has the form of our keys: what has another is none of our objects. */
export function isStorageKey(key: string): boolean {
  return keyForm.test(key);
}

/** @throws Error for a text that is no key, so that none leads elsewhere */
export function requireStorageKey(key: string): void {
  if (!isStorageKey(key)) throw new Error('this is no storage key');
}
