import { z } from 'zod';
import type { Platform } from '../../platform/platform.ts';

/** Where an export is fetched: `?grant=…`. */
export const auditExportPath = '/audit-exports';

const signatureType = 'audit-export';
const lifetimeMs = 5 * 60_000;

const Grant = z.object({ auditExportId: z.uuid(), sessionId: z.uuid(), expiresAt: z.int() });

export type AuditExportGrant = z.output<typeof Grant>;

/** The address of an export's file, for five minutes and for as long as the session is good. */
export async function grantedUrl(
  { signatures, ownAddress, now }: Platform,
  access: { auditExportId: string; sessionId: string },
): Promise<string> {
  const grant = await signatures.sign(signatureType, { ...access, expiresAt: now().getTime() + lifetimeMs });
  return `${ownAddress.url()}${auditExportPath}?grant=${grant}`;
}

/** What a grant opens; null for one that is not ours, or not good any more. */
export async function readGrant({ signatures, now }: Platform, grant: string): Promise<AuditExportGrant | null> {
  const read = await signatures.read(signatureType, grant);
  const parsed = Grant.safeParse(typeof read === 'string' ? null : read.payload);
  return parsed.success && parsed.data.expiresAt > now().getTime() ? parsed.data : null;
}
