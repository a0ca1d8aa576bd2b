import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import type { AuditEntry } from '../../generated/prisma/client.ts';

/** The chain of what belongs to no organization: accounts, sessions and second factors. */
export const systemChainId = '00000000-0000-0000-0000-000000000000';

/** What an entry's hash covers. */
export type HashedEntry = Omit<AuditEntry, 'previousHash' | 'hash'>;

/**
 * SHA-256 over the hash of the entry before and the canonical JSON (RFC 8785) of this one. Entries of before there were
 * keys have no `apiKeyId` in that text, and so has every one that no key wrote.
 */
export function hashOf(previous: Uint8Array, entry: HashedEntry): Uint8Array<ArrayBuffer> {
  const { apiKeyId, sequence, createdAt, ...others } = entry;
  const text = canonicalize({
    ...others,
    ...(apiKeyId && { apiKeyId }),
    sequence: String(sequence),
    createdAt: createdAt.toISOString(),
  });
  return Uint8Array.from(
    createHash('sha256')
      .update(previous)
      .update(text ?? '')
      .digest(),
  );
}
