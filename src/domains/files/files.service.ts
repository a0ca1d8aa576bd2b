import type { Ctx } from '../../context.ts';
import { NotFound, parseInput } from '../../errors.ts';
import type { File } from '../../generated/prisma/client.ts';
import { transact } from '../../platform/db.ts';
import { nilId } from '../../platform/typeid.ts';
import { type AuditEvent, recordAudit } from '../audit/audit.service.ts';
import { releaseStorage } from '../quotas/storage.service.ts';
import { contradictsName, isRunnableName } from './content-types.ts';
import { removeDiscarded } from './discarded-objects.service.ts';
import { recordFileEvent } from './file-events.service.ts';
import { NewFileName, refuseName } from './file-name.ts';

const trashDays = 30;
const purgedAtOnce = 100;

interface FileInput {
  readonly fileId: string;
}

/** Gives a file another name, which must fit what is in it. @throws ValidationFailed, NotFound */
export async function renameFile(ctx: Ctx, input: FileInput & { readonly name: string }): Promise<FileInput> {
  const { name } = parseInput(NewFileName, input);
  const { fileId } = input;
  await transact(ctx, async (ctx) => {
    const file = await lockFile(ctx, fileId);
    if (isRunnableName(name) || contradictsName(file.contentType, name)) refuseName('This is no name for such a file.');
    if (file.name === name) return;
    await ctx.db.file.update({ where: { id: fileId }, data: { name } });
    await recordFileEvent(ctx, { ...file, name }, 'file.renamed');
    await audit(ctx, file, { action: 'file.renamed', metadata: { nameBefore: file.name, nameAfter: name } });
  });
  return { fileId };
}

/** Moves a file to the trash, where it counts on and nobody downloads it. May be repeated. @throws NotFound */
export async function trashFile(ctx: Ctx, { fileId }: FileInput): Promise<FileInput> {
  await transact(ctx, async (ctx) => {
    const file = await lockFile(ctx, fileId);
    if (file.trashedAt) return;
    await ctx.db.file.update({ where: { id: fileId }, data: { trashedAt: ctx.now() } });
    await recordFileEvent(ctx, file, 'file.trashed');
    await audit(ctx, file, { action: 'file.trashed', metadata: { name: file.name } });
  });
  return { fileId };
}

/** Takes a file out of the trash. May be repeated. @throws NotFound */
export async function restoreFile(ctx: Ctx, { fileId }: FileInput): Promise<FileInput> {
  await transact(ctx, async (ctx) => {
    const file = await lockFile(ctx, fileId);
    if (!file.trashedAt) return;
    await ctx.db.file.update({ where: { id: fileId }, data: { trashedAt: null } });
    await recordFileEvent(ctx, file, 'file.restored');
    await audit(ctx, file, { action: 'file.restored', metadata: { name: file.name } });
  });
  return { fileId };
}

/** Deletes a file for good, in the trash or not, and gives its bytes back, once. @throws NotFound */
export async function purgeFile(ctx: Ctx, { fileId }: FileInput): Promise<FileInput> {
  await purge(ctx, { fileId, trashedUntil: null });
  return { fileId };
}

/** Purges what is in the trash for 30 days, until `signal` aborts. */
export async function purgeOldTrash(ctx: Ctx, signal: AbortSignal): Promise<void> {
  const trashedUntil = new Date(ctx.now().getTime() - trashDays * 86_400_000);
  for (let after: string = nilId; !signal.aborted; ) {
    const old = await ctx.db.file.findMany({
      where: { trashedAt: { lte: trashedUntil }, id: { gt: after } },
      orderBy: { id: 'asc' },
      take: purgedAtOnce,
      select: { id: true },
    });
    for (const { id: fileId } of old) {
      // One that is gone by now, or restored, needs nothing.
      await purge(ctx, { fileId, trashedUntil }).catch(ignoring(NotFound));
      after = fileId;
    }
    if (old.length < purgedAtOnce) return;
  }
}

/** @throws NotFound, also for a file that is not in the trash for so long */
async function purge(
  ctx: Ctx,
  { fileId, trashedUntil }: FileInput & { readonly trashedUntil: Date | null },
): Promise<void> {
  const storageKeys = await transact(ctx, async (ctx) => {
    const file = await lockFile(ctx, fileId);
    if (trashedUntil && !(file.trashedAt && file.trashedAt <= trashedUntil)) throw new NotFound();
    const thumbnails = await ctx.db.thumbnail.findMany({ where: { fileId }, select: { storageKey: true } });
    await ctx.db.file.delete({ where: { id: fileId } });
    await releaseStorage(ctx, { organizationId: file.organizationId, bytes: Number(file.size) });
    await recordFileEvent(ctx, file, 'file.purged');
    await audit(ctx, file, { action: 'file.purged', metadata: { name: file.name, size: Number(file.size) } });
    return [file, ...thumbnails].map(({ storageKey }) => storageKey);
  });
  await removeDiscarded(ctx, storageKeys);
}

function ignoring(expected: new () => Error): (error: unknown) => void {
  return (error) => {
    if (!(error instanceof expected)) throw error;
  };
}

/** Reads a file and holds its row to the end of the transaction. @throws NotFound */
async function lockFile(ctx: Ctx, fileId: string): Promise<File> {
  await ctx.db.$queryRaw`SELECT id FROM files WHERE id = ${fileId}::uuid FOR UPDATE`;
  const file = await ctx.db.file.findUnique({ where: { id: fileId } });
  if (!file) throw new NotFound();
  return file;
}

function audit(ctx: Ctx, { id, organizationId }: File, entry: Pick<AuditEvent, 'action' | 'metadata'>) {
  return recordAudit(ctx, { organizationId, targetType: 'File', targetId: id, ...entry });
}
