import type { Ctx } from '../../context.ts';
import { NotFound } from '../../errors.ts';
import { transact } from '../../platform/db.ts';
import { recordAudit } from '../audit/audit.service.ts';
import { EmailAddress } from './email-address.ts';

/**
 * Makes a person a superuser, or an ordinary one again, from their next request on.
 * @returns whether that changed anything
 * @throws NotFound for an address without an account; to become one, its owner must have confirmed it
 */
export async function setSuperuser(ctx: Ctx, input: { email: string; isSuperuser: boolean }): Promise<boolean> {
  const { isSuperuser } = input;
  const email = EmailAddress.safeParse(input.email).data ?? '';
  return transact(ctx, async (ctx) => {
    const user = await ctx.db.user.findUnique({ where: { email } });
    if (!user) throw new NotFound(`No account has the address ${input.email}.`);
    if (isSuperuser && !user.emailVerifiedAt) throw new NotFound(`Nobody has confirmed the address ${email} yet.`);
    const { count } = await ctx.db.user.updateMany({
      where: { id: user.id, isSuperuser: !isSuperuser },
      data: { isSuperuser },
    });
    if (count === 0) return false;
    await recordAudit(ctx, {
      organizationId: null,
      action: isSuperuser ? 'superuser.granted' : 'superuser.revoked',
      targetType: 'User',
      targetId: user.id,
    });
    return true;
  });
}
