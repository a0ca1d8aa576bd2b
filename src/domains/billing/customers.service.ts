import type { Ctx } from '../../context.ts';
import { transact } from '../../platform/db.ts';
import { recordAudit } from '../audit/audit.service.ts';
import { holdOrganization } from '../organizations/organization-lock.ts';
import { freePlan } from '../quotas/plans.ts';

/**
 * Makes a customer of Stripe an organization's own, unless either has another already or the organization is gone.
 * @returns the customer that the organization has now, null for one that is gone
 */
export async function linkCustomer(
  ctx: Ctx,
  { organizationId, customerId }: { organizationId: string; customerId: string },
): Promise<string | null> {
  return transact(ctx, async (ctx) => {
    if (!(await holdOrganization(ctx, organizationId))) return null;
    const { count } = await ctx.db.billingAccount.createMany({
      data: [{ organizationId, customerId, planId: freePlan.id, status: 'NONE' }],
      skipDuplicates: true,
    });
    if (count > 0) {
      await recordAudit(ctx, {
        organizationId,
        action: 'billing.customerLinked',
        targetType: 'Organization',
        targetId: organizationId,
        metadata: { stripeCustomer: customerId },
      });
      return customerId;
    }
    return (await ctx.db.billingAccount.findUnique({ where: { organizationId } }))?.customerId ?? null;
  });
}
