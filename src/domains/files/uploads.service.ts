import { z } from 'zod';
import type { Ctx } from '../../context.ts';
import { AppError, Forbidden, NotFound, parseInput, ValidationFailed } from '../../errors.ts';
import type { Upload } from '../../generated/prisma/client.ts';
import { transact } from '../../platform/db.ts';
import { newId, nilId } from '../../platform/typeid.ts';
import { recordAudit } from '../audit/audit.service.ts';
import { answerableUserId, includesRole, roleIn } from '../members/members.access.ts';
import { reserveStorage, reserveStorageUpTo } from '../quotas/storage.service.ts';
import { bearerOf } from './bearer.service.ts';
import { FileName } from './file-name.ts';
import { closeUpload, openStates } from './upload-ends.service.ts';
import { uploadToken } from './upload-token.ts';

const hoursToLive = 24;
/** Of one organization at a time: an upload of no bytes, or of few, sets little aside. */
const openMax = 1_000;
/** What is set aside at a time for an upload whose size is not known. */
export const reservationStep = 8 * 1024 * 1024;

const NewUpload = (maxBytes: number) =>
  z.object({
    name: FileName,
    size: z
      .int()
      .min(0, 'A size is zero or more.')
      .max(maxBytes, `A file may have at most ${maxBytes} bytes.`)
      .nullish()
      .transform((size) => size ?? null),
    sha256: z
      .string()
      .toLowerCase()
      .regex(/^[0-9a-f]{64}$/, 'A SHA-256 is 64 hexadecimal digits.')
      .nullish()
      .transform((digest) => digest ?? null),
    clientKey: z
      .string()
      .min(1, 'A key has at least one character.')
      .max(100, 'A key has at most 100 characters.')
      .nullish()
      .transform((key) => key ?? null),
  });

export interface UploadForm {
  readonly organizationId: string;
  readonly name: string;
  readonly size?: number | null | undefined;
  readonly sha256?: string | null | undefined;
  readonly clientKey?: string | null | undefined;
}

export interface OpenedUpload {
  readonly uploadId: string;
  readonly token: string;
}

/**
 * Opens an upload with its bytes set aside: all of them, or a first part where the size is not known. The same client key
 * of the same person gives the same upload again.
 * @throws ValidationFailed, QuotaExceeded; RATE_LIMITED while the organization has too many open
 */
export async function createUpload(ctx: Ctx, form: UploadForm): Promise<OpenedUpload> {
  const input = parseInput(NewUpload(ctx.platform.config.files.maxBytes), form);
  const uploadId = await transact(ctx, (ctx) => open(ctx, { ...input, organizationId: form.organizationId }));
  return { uploadId, token: uploadToken(ctx.platform.keyring, uploadId) };
}

async function open(
  ctx: Ctx,
  input: { organizationId: string } & z.output<ReturnType<typeof NewUpload>>,
): Promise<string> {
  const { organizationId, name, size, sha256, clientKey } = input;
  const id = newId();
  const now = ctx.now();
  const { count } = await ctx.db.upload.createMany({
    data: {
      id,
      organizationId,
      createdById: answerableUserId(ctx),
      ...bearerOf(ctx.actor),
      name,
      declaredSize: size,
      declaredSha256: sha256,
      clientKey,
      reservedBytes: size ?? 0,
      activeAt: now,
      createdAt: now,
      expiresAt: new Date(now.getTime() + hoursToLive * 3_600_000),
    },
    skipDuplicates: true,
  });
  if (count === 0) return sameAgain(ctx, input);
  if (size !== null) await reserveStorage(ctx, { organizationId, bytes: size });
  else await reserveFirstStep(ctx, { organizationId, id });
  await refuseTooMany(ctx, organizationId);
  await recordAudit(ctx, {
    organizationId,
    action: 'upload.created',
    targetType: 'Upload',
    targetId: id,
    metadata: { name, size },
  });
  return id;
}

/** After the reservation, which lets one transaction of an organization through at a time. */
async function refuseTooMany({ db }: Ctx, organizationId: string): Promise<void> {
  // No upload that is open has a file: that much of the condition is an index.
  const open = await db.upload.count({ where: { organizationId, fileId: null, state: { in: [...openStates] } } });
  if (open <= openMax) return;
  const message = `At most ${openMax} uploads are open at a time. End some, or wait until they are done.`;
  throw new AppError('RATE_LIMITED', message, { retryAfterSeconds: 60 });
}

async function reserveFirstStep(ctx: Ctx, { organizationId, id }: { organizationId: string; id: string }) {
  const reservedBytes = await reserveStorageUpTo(ctx, { organizationId, bytes: reservationStep });
  await ctx.db.upload.update({ where: { id }, data: { reservedBytes } });
}

/** @throws ValidationFailed where the key stands for another file */
async function sameAgain(ctx: Ctx, input: { organizationId: string } & z.output<ReturnType<typeof NewUpload>>) {
  const { organizationId, clientKey } = input;
  const { id, name, declaredSize, declaredSha256 } = await ctx.db.upload.findFirstOrThrow({
    where: { organizationId, createdById: answerableUserId(ctx), clientKey },
  });
  const size = declaredSize === null ? null : Number(declaredSize);
  if (name === input.name && size === input.size && declaredSha256 === input.sha256) return id;
  throw new ValidationFailed([{ path: ['clientKey'], message: 'This key stands for an upload of another file.' }]);
}

/**
 * Ends an upload that has not ended yet; one that has stays as it is. For its maker and for admins.
 * @throws NotFound, Forbidden
 */
export async function abortUpload(ctx: Ctx, { uploadId }: { uploadId: string }): Promise<{ uploadId: string }> {
  const upload = await ctx.db.upload.findUnique({ where: { id: uploadId } });
  if (!upload) throw new NotFound();
  await requireOwnUpload(ctx, upload);
  await closeUpload(ctx, { uploadId, state: 'ABORTED', failure: null });
  return { uploadId };
}

async function requireOwnUpload(ctx: Ctx, { createdById, organizationId }: Upload): Promise<void> {
  if (createdById === answerableUserId(ctx)) return;
  const role = await roleIn(ctx, organizationId);
  if (!role || !includesRole(role, 'ADMIN')) throw new Forbidden('This upload is somebody else’s.');
}

/** The organization of an upload; the UUID of nothing for an upload that does not exist, so that both are asked for alike. */
export async function organizationIdOfUpload(ctx: Ctx, uploadId: string): Promise<string> {
  const upload = await ctx.db.upload.findUnique({ where: { id: uploadId }, select: { organizationId: true } });
  return upload?.organizationId ?? nilId;
}
