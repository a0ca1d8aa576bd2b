import type { Ctx } from '../../context.ts';
import { enqueue } from '../../jobs/queue.ts';

/** What a person is told by mail because somebody else may have done it. These cannot be switched off. */
export const noticeKinds = [
  'passwordChanged',
  'emailChanged',
  'mfaEnabled',
  'mfaDisabled',
  'backupCodesRegenerated',
  'backupCodeUsed',
  'identityLinked',
  'identityUnlinked',
  'sessionRevokedForReuse',
] as const;

export type NoticeKind = (typeof noticeKinds)[number];

/** Mails a security notice, with the change that causes it. */
export async function sendNotice(ctx: Ctx, { userId, kind }: { userId: string; kind: NoticeKind }): Promise<void> {
  await enqueue(ctx, 'account.sendNotice', { userId, kind });
}
