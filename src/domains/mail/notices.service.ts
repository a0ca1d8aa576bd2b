import type { Ctx } from '../../context.ts';
import type { JobPayload, NoticeKind } from '../../jobs/catalog.ts';
import { enqueue } from '../../jobs/queue.ts';
import { open, type Place, seal } from '../../platform/envelope.ts';

/**
 * Mails a security notice, with the change that causes it. It goes to `address` where the person's own one would be the
 * wrong one; the job holds it encrypted.
 */
export async function sendNotice(
  ctx: Ctx,
  input: { userId: string; kind: NoticeKind; address?: string },
): Promise<void> {
  const { userId, kind, address } = input;
  const sealedAddress = address && seal(ctx.platform.keyring, placeOf(userId), address);
  await enqueue(ctx, 'account.sendNotice', { userId, kind, ...(sealedAddress && { sealedAddress }) });
}

/** Whom a notice is for, null when there is nobody left to tell. A deleted person has no name. */
export async function recipientOf(
  ctx: Ctx,
  { userId, sealedAddress }: JobPayload<'account.sendNotice'>,
): Promise<{ name: string; email: string } | null> {
  const user = await ctx.db.user.findUnique({ where: { id: userId }, select: { name: true, email: true } });
  if (!sealedAddress) return user;
  return { name: user?.name ?? '', email: open(ctx.platform.keyring, placeOf(userId), sealedAddress) };
}

function placeOf(userId: string): Place {
  return { table: 'jobs', column: 'sealedAddress', rowId: userId, ownerId: userId };
}
