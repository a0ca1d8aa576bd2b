import type { Ctx } from '../../context.ts';
import type { AuditExport } from '../../generated/prisma/client.ts';
import type { Platform } from '../../platform/platform.ts';
import { signedInActor } from '../members/members.access.ts';
import { actorOf, findLiveSession } from '../sessions/live-session.ts';
import { type AuditExportGrant, grantedUrl, readGrant } from './audit-export-grant.ts';
import { visibleAuditExports } from './audit-exports.service.ts';

/** The file of an export, a part at a time. */
export interface AuditExportFile {
  readonly name: string;
  readonly parts: AsyncGenerator<string>;
}

/** Where the caller fetches an export of theirs; null until it is ready. */
export async function downloadUrlOf(ctx: Ctx, { id, readyAt }: Pick<AuditExport, 'id' | 'readyAt'>) {
  return readyAt && grantedUrl(ctx.platform, { auditExportId: id, sessionId: signedInActor(ctx).sessionId });
}

/** What a grant opens; null unless it is good, its session too, and the person may still read the log. */
export async function openAuditExport(platform: Platform, token: string): Promise<AuditExportFile | null> {
  const grant = await readGrant(platform, token);
  const auditExport = grant && (await grantedExport(platform, grant));
  if (!auditExport) return null;
  const day = auditExport.createdAt.toISOString().slice(0, 10);
  return { name: `audit-log-${day}.jsonl`, parts: partsOf(platform, grant, auditExport) };
}

/** Asks before each part whether the reader still may, so that a slow download ends with the right to it. */
async function* partsOf(platform: Platform, grant: AuditExportGrant, { id, organizationId }: AuditExport) {
  for (let position = 0; ; position += 1) {
    const part = await platform.db.auditExportPart.findUnique({
      where: { organizationId_exportId_position: { organizationId, exportId: id, position } },
    });
    if (!part) return;
    if (!(await grantedExport(platform, grant)))
      throw new Error('the right to an audit export ended while it was read');
    yield part.lines;
  }
}

async function grantedExport(platform: Platform, grant: AuditExportGrant): Promise<AuditExport | null> {
  const live = await findLiveSession(platform, { sessionId: grant.sessionId, organizationId: null });
  if (!live) return null;
  const visible = visibleAuditExports({ actor: actorOf(live), now: platform.now });
  return platform.db.auditExport.findFirst({
    where: { AND: [{ id: grant.auditExportId, readyAt: { not: null } }, visible] },
  });
}
