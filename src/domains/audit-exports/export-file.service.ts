import canonicalize from 'canonicalize';
import type { Ctx } from '../../context.ts';
import type { AuditEntry, AuditExport } from '../../generated/prisma/client.ts';
import { transact } from '../../platform/db.ts';
import { recordAudit } from '../audit/audit.service.ts';
import { hashedForm } from '../audit/chain.ts';
import { pageOf } from '../audit/chain-pages.ts';
import { notify } from '../notifications/notify.service.ts';
import { describeExport } from './audit-exports.service.ts';

const partMaxBytes = 1024 * 1024;

/**
 * Writes the parts of an export that are not there yet, and tells the one who asked. Entries never change and the stretch is
 * fixed, so every run makes the same parts: two at once do no harm.
 */
export async function writeExport(
  ctx: Ctx,
  { auditExportId: id }: { auditExportId: string },
  signal: AbortSignal,
): Promise<void> {
  const auditExport = await ctx.db.auditExport.findUnique({ where: { id, readyAt: null } });
  if (!auditExport) return;
  const { organizationId } = auditExport;
  let position = 0;
  for await (const lines of partsOf(ctx, auditExport)) {
    signal.throwIfAborted();
    await ctx.db.auditExportPart.createMany({
      data: { organizationId, exportId: id, position, lines },
      skipDuplicates: true,
    });
    position += 1;
  }
  await transact(ctx, (ctx) => finish(ctx, auditExport));
}

async function finish(ctx: Ctx, auditExport: AuditExport): Promise<void> {
  const { id, organizationId, requestedById } = auditExport;
  const { count } = await ctx.db.auditExport.updateMany({
    where: { id, organizationId, readyAt: null },
    data: { readyAt: ctx.now() },
  });
  if (count === 0) return;
  const data = { auditExportId: id };
  await notify(ctx, { userIds: [requestedById], type: 'auditExport.ready', organizationId, data });
  await recordAudit(ctx, {
    organizationId,
    action: 'auditLog.exported',
    targetType: 'AuditExport',
    targetId: id,
    metadata: describeExport(auditExport),
  });
}

/** The lines of an export, about a megabyte at a time. */
async function* partsOf(ctx: Ctx, auditExport: AuditExport): AsyncGenerator<string> {
  let lines = '';
  for await (const entry of entriesOf(ctx, auditExport)) {
    const line = lineOf(entry);
    if (lines !== '' && Buffer.byteLength(lines) + Buffer.byteLength(line) > partMaxBytes) {
      yield lines;
      lines = '';
    }
    lines += line;
  }
  if (lines !== '') yield lines;
}

async function* entriesOf(ctx: Ctx, { organizationId, firstSequence, lastSequence }: AuditExport) {
  for (let after = firstSequence - 1n; after < lastSequence; ) {
    const { entries } = await pageOf(ctx, organizationId, after);
    for (const entry of entries) if (entry.sequence <= lastSequence) yield entry;
    after = entries.at(-1)?.sequence ?? lastSequence;
  }
}

/** Canonical JSON, so that `entry` stands there byte by byte as it was hashed after the bytes of `previousHash`. */
function lineOf(entry: AuditEntry): string {
  const { previousHash, hash, ...hashed } = entry;
  const line = { entry: hashedForm(hashed), hash: hex(hash), previousHash: hex(previousHash) };
  return `${canonicalize(line)}\n`;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
