import type { Ctx } from '../../context.ts';
import type { File } from '../../generated/prisma/client.ts';
import { encodeId } from '../../platform/typeid.ts';
import type { EventType } from '../events/event-catalog.ts';
import { recordEvent } from '../events/events.service.ts';

/** Writes what has become of a file, with the file as it is by then, for those who listen. Joins the caller's transaction. */
export async function recordFileEvent(ctx: Ctx, file: File, type: EventType & `file.${string}`): Promise<void> {
  const { id, organizationId, name, size, contentType, sha256 } = file;
  const data = { fileId: encodeId('File', id), name, size: Number(size), contentType, sha256 };
  await recordEvent(ctx, { organizationId, type, data });
}
