import { z } from 'zod';
import type { Ctx } from '../../context.ts';
import { parseInput } from '../../errors.ts';
import { enqueue } from '../../jobs/queue.ts';
import { transact } from '../../platform/db.ts';
import { isWithinLimit, limit, networkOf } from '../../platform/rate-limit.ts';
import { withTimeFloor } from '../../platform/time-floor.ts';
import { recordAudit } from '../audit/audit.service.ts';
import * as invitations from '../invitations/acceptance.service.ts';
import { claimAddress, confirmAddress } from './address-claim.service.ts';
import { EmailAddress } from './email-address.ts';
import { Password, refuseWeakPassword } from './password-policy.ts';

export const PersonName = z.string().trim().min(1, 'Tell us your name.').max(100, 'Use at most 100 characters.');

const Registration = z.object({
  email: EmailAddress,
  password: Password,
  name: PersonName,
  invitationToken: z.string().max(200).nullish(),
});

type Registration = z.output<typeof Registration>;

/**
 * Makes an account, or tells the owner of an existing one by mail; the answer is the same. While an address is not
 * confirmed nobody owns it, so the newest registration sets name and password, and only its mail confirms.
 * @throws ValidationFailed; RateLimited by origin; InvalidToken for an invitation that is not good, or is for another address
 */
export async function register(ctx: Ctx, input: unknown): Promise<{ email: string }> {
  const registration = parseInput(Registration, input);
  const { email, password, name } = registration;
  await limit(ctx, { name: 'registrationByOrigin', key: networkOf(ctx) });
  await refuseWeakPassword(ctx, { field: 'password', password, person: { name, email, passwordHash: null } });
  return withTimeFloor(ctx, async () => {
    const isMailed = await isWithinLimit(ctx, { name: 'verificationMail', key: email });
    const passwordHash = await ctx.platform.passwords.hash(password);
    await transact(ctx, (ctx) => makeAccount(ctx, { ...registration, passwordHash, isMailed }));
    return { email };
  });
}

async function makeAccount(
  ctx: Ctx,
  newcomer: Registration & { passwordHash: string; isMailed: boolean },
): Promise<void> {
  const { email, invitationToken, isMailed } = newcomer;
  const invitation = invitationToken ? await invitations.lockInvitation(ctx, { token: invitationToken, email }) : null;
  const user = await claimAddress(ctx, { ...newcomer, isInvited: invitation !== null });
  if (!user) {
    if (isMailed) await tellOwner(ctx, email);
    return;
  }
  if (invitation) {
    await confirmAddress(ctx, user);
    await invitations.joinByInvitation(ctx, { invitation, user });
  } else if (isMailed) {
    await enqueue(ctx, 'account.sendVerificationEmail', { userId: user.id });
  }
  await recordAudit(ctx, { organizationId: null, action: 'account.registered', targetType: 'User', targetId: user.id });
}

async function tellOwner(ctx: Ctx, email: string): Promise<void> {
  const { id: userId } = await ctx.db.user.findUniqueOrThrow({ where: { email } });
  await enqueue(ctx, 'account.sendAlreadyRegisteredEmail', { userId });
}
