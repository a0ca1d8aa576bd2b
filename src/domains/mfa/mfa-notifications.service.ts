import type { Ctx } from '../../context.ts';
import { notify } from '../notifications/notify.service.ts';

/** Tells the person on all their devices: whoever changed it had their session, and may not be them. */
export async function tellOfMfaChange(
  ctx: Ctx,
  { userId, change }: { userId: string; change: 'enabled' | 'disabled' | 'backupCodesRegenerated' },
): Promise<void> {
  await notify(ctx, {
    userIds: [userId],
    type: 'mfa.changed',
    organizationId: null,
    data: { change },
    tellsTheActorToo: true,
  });
}
