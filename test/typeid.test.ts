import { randomUUID } from 'node:crypto';
import { TypeID } from 'typeid-js';
import { expect, test } from 'vitest';
import { decodeId, encodeId, nilId } from '../src/platform/typeid.ts';

test('an id is written as the library of the TypeID specification writes it, and read by it', () => {
  const last = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
  for (const uuid of [nilId, last, ...Array.from({ length: 1_000 }, () => randomUUID())]) {
    const id = encodeId('User', uuid);
    expect(id).toBe(TypeID.fromUUID('usr', uuid).toString());
    expect(decodeId('User', id)).toBe(uuid);
  }
});
