import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import type { AuditEntry } from '../../generated/prisma/client.ts';

/** The chain of what belongs to no organization: accounts, sessions and second factors. */
export const systemChainId = '00000000-0000-0000-0000-000000000000';

/** What an entry's hash covers. */
export type HashedEntry = Omit<AuditEntry, 'previousHash' | 'hash'>;

/**
 * What of an entry is in its hash. Entries of before there were keys have no `apiKeyId` there, and so has every one that no
 * key wrote.
 */
export function hashedForm({ apiKeyId, sequence, createdAt, ...others }: HashedEntry): Record<string, unknown> {
  return { ...others, ...(apiKeyId && { apiKeyId }), sequence: String(sequence), createdAt: createdAt.toISOString() };
}

/** SHA-256 over the hash of the entry before and the canonical JSON (RFC 8785) of this one. */
export function hashOf(previous: Uint8Array, entry: HashedEntry): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(
    createHash('sha256')
      .update(previous)
      .update(canonicalize(hashedForm(entry)) ?? '')
      .digest(),
  );
}
