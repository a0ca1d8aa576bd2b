import type { Actor, Ctx } from '../../context.ts';
import { NotFound } from '../../errors.ts';
import type { Prisma, Upload } from '../../generated/prisma/client.ts';
import { visibleFiles } from './file-list.service.ts';

/** The uploads that the caller may see: those of organizations whose files they see. */
export function visibleUploads(actor: Actor): Prisma.UploadWhereInput {
  return visibleFiles(actor) as Prisma.UploadWhereInput;
}

/** An upload for whoever holds its token; null when it is not there any more. */
export function findUploadForSending({ db }: Ctx, uploadId: string) {
  return db.upload.findUnique({ where: { id: uploadId }, include: { file: true } });
}

/** An upload for a caller who may see it. @throws NotFound */
export async function requireVisibleUpload({ db, actor }: Ctx, uploadId: string): Promise<Upload> {
  const upload = await db.upload.findUnique({ where: { id: uploadId, AND: visibleUploads(actor) } });
  if (!upload) throw new NotFound();
  return upload;
}
