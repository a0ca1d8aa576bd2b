import type { Ctx } from '../../context.ts';
import { encodeId } from '../../platform/typeid.ts';
import { bearerOf } from './bearer.service.ts';
import { signGrant } from './download-link.ts';
import { thumbnailEdges } from './thumbnails.service.ts';

const minutesToLive = 5;

interface Linked {
  readonly id: string;
  readonly storageKey: string;
}

/** A link to the bytes of a file, or of its thumbnail, good for five minutes and as long as the caller may read the file. */
export function downloadUrl(ctx: Ctx, file: Linked, thumbnailEdge: number | null = null): string {
  const grant = {
    fileId: file.id,
    thumbnailEdge,
    disposition: thumbnailEdge === null ? 'attachment' : 'inline',
    expiresAt: Math.floor(ctx.now().getTime() / 1000) + minutesToLive * 60,
    ...bearerOf(ctx.actor),
  };
  const { keyId, signature } = signGrant(ctx.platform.keyring, grant, file);
  const by = grant.apiKeyId ? encodeId('ApiKey', grant.apiKeyId) : encodeId('Session', grant.sessionId ?? '');
  const query = new URLSearchParams({
    disposition: grant.disposition,
    ...(thumbnailEdge !== null && { thumbnail: String(thumbnailEdge) }),
    expires: String(grant.expiresAt),
    by,
    key: keyId,
    signature,
  });
  return `${ctx.platform.ownAddress.url()}/files/${encodeId('File', file.id)}?${query}`;
}

/** As `downloadUrl`, for a thumbnail; null where there is none of this size. */
export function thumbnailUrl(
  ctx: Ctx,
  file: Linked & { readonly thumbnails: readonly { readonly edge: number }[] },
  size: keyof typeof thumbnailEdges,
): string | null {
  const edge = thumbnailEdges[size];
  return file.thumbnails.some((made) => made.edge === edge) ? downloadUrl(ctx, file, edge) : null;
}

/** Where the bytes of an upload go: by PUT, and by tus. */
export function uploadUrls(ctx: Ctx, uploadId: string): { url: string; tusUrl: string } {
  const [base, id] = [ctx.platform.ownAddress.url(), encodeId('Upload', uploadId)];
  return { url: `${base}/uploads/${id}`, tusUrl: `${base}/uploads/tus/${id}` };
}
