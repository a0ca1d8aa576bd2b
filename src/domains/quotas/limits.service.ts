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

interface TermsRow {
  readonly resource: QuotaResource;
  readonly override: string | null;
  readonly cap: string | null;
  readonly planId: string | null;
  readonly status: string;
  readonly pastDueSince: Date | null;
  readonly currentPeriodStart: Date | null;
  readonly currentPeriodEnd: Date | null;
}

const termsStatement = `
  SELECT r.resource, l.override, l.cap, b.plan_id AS "planId", b.status, b.past_due_since AS "pastDueSince",
         b.current_period_start AS "currentPeriodStart", b.current_period_end AS "currentPeriodEnd"
  FROM unnest($2::text[]) WITH ORDINALITY r (resource, position)
  LEFT JOIN quota_limits l ON l.organization_id = $1::uuid AND l.resource = r.resource
  LEFT JOIN billing_accounts b ON b.organization_id = $1::uuid
  ORDER BY r.position`;

/** As `termsOf` for several resources, in their order: in one read of what is committed. */
export async function committedTermsOf(
  ctx: Ctx,
  { organizationId, resources }: { organizationId: string; resources: readonly QuotaResource[] },
): Promise<(Terms & { readonly resource: QuotaResource })[]> {
  const values = [organizationId, resources];
  const rows = await ctx.platform.read<TermsRow>({ name: 'quota-terms', text: termsStatement, values });
  return rows.map(({ resource, override, cap, planId, ...account }) => ({
    resource,
    ...termsFrom(ctx, { account: planId === null ? null : { planId, ...account }, own: { override, cap }, resource }),
  }));
}

type Limit = bigint | string | null;
type Account = Parameters<typeof periodAt>[1];

function termsFrom(
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
