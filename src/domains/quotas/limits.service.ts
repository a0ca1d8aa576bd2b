import type { Ctx } from '../../context.ts';
import type { QuotaResource } from '../../errors.ts';
import { type Period, type Plan, periodAt, planInForce } from './plans.ts';

/** What holds for one resource of an organization. */
export interface Terms {
  readonly plan: Plan;
  /** What the plan, or a superuser in its place, allows. */
  readonly allowed: number;
  /** That, or the organization's own cap where it is lower. */
  readonly limit: number;
  readonly period: Period;
}

/** How much of a resource an organization may use. */
export async function limitOf(ctx: Ctx, input: { organizationId: string; resource: QuotaResource }): Promise<number> {
  return (await termsOf(ctx, input)).limit;
}

/** Plan, limit and period of an organization for one resource, as they are now, in the caller's transaction. */
export async function termsOf(
  ctx: Ctx,
  { organizationId, resource }: { organizationId: string; resource: QuotaResource },
): Promise<Terms> {
  const account = await ctx.db.billingAccount.findUnique({ where: { organizationId } });
  const own = await ctx.db.quotaLimit.findUnique({
    where: { organizationId_resource: { organizationId, resource } },
  });
  return termsFrom(ctx, { account, own, resource });
}

type Limit = bigint | string | null;
type Account = Parameters<typeof periodAt>[1];

/** The same of what was read together with other things. */
export function termsFrom(
  ctx: Ctx,
  {
    account,
    own,
    resource,
  }: { account: Account; own: { override: Limit; cap: Limit } | null; resource: QuotaResource },
): Terms {
  const now = ctx.now();
  const plan = planInForce(account, now);
  const allowed = Number(own?.override ?? plan.limits[resource]);
  const limit = Math.min(allowed, Number(own?.cap ?? allowed));
  return { plan, allowed, limit, period: periodAt(now, account) };
}
