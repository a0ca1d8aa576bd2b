import type { Ctx } from '../../context.ts';
import { type QuotaResource, ValidationFailed } from '../../errors.ts';
import { transact } from '../../platform/db.ts';
import { recordAudit } from '../audit/audit.service.ts';
import { readsEverything } from '../members/members.access.ts';
import { lockOrganization } from '../organizations/organization-lock.ts';
import { forgetLease, readWithUnbooked, type Unbooked } from './call-leases.service.ts';
import { termsFrom, termsOf } from './limits.service.ts';
import type { Period } from './plans.ts';

export const quotaResources: readonly QuotaResource[] = ['API_CALLS', 'STORAGE_BYTES', 'MEMBERS'];

/** How much there is, how much is taken, how much is left. */
export interface Quota {
  readonly resource: QuotaResource;
  readonly limit: number;
  readonly used: number;
  readonly remaining: number;
  /** Null for what does not reset. */
  readonly resetsAt: Date | null;
}

interface Input {
  readonly organizationId: string;
  readonly resource: QuotaResource;
}

/** Each resource of an organization as it stands. Calls of this process are counted, those of others up to seconds ago. */
export async function quotasOf(
  ctx: Ctx,
  organizationId: string,
  resources: readonly QuotaResource[] = quotaResources,
): Promise<Quota[]> {
  const values = [organizationId, resources, ctx.now()];
  const { found, unbooked } = await readWithUnbooked(ctx, organizationId, () =>
    ctx.platform.read<QuotaRow>({ name: 'quotas', text: statement, values }),
  );
  return found.map((row) => quotaFrom(ctx, row, unbooked));
}

interface QuotaRow {
  readonly resource: QuotaResource;
  readonly override: string | null;
  readonly cap: string | null;
  readonly planId: string | null;
  readonly status: string;
  readonly pastDueSince: Date | null;
  readonly currentPeriodStart: Date | null;
  readonly currentPeriodEnd: Date | null;
  /** Milliseconds since 1970 at the start of each period that may be the current one, and what is written down of it. */
  readonly calls: [periodStartMs: number, used: number][] | null;
  readonly bytes: string | null;
  readonly seats: number | null;
}

/** What is committed, in one read. Bytes that are reserved count as used. */
const statement = `
  SELECT r.resource, l.override, l.cap, b.plan_id AS "planId", b.status, b.past_due_since AS "pastDueSince",
         b.current_period_start AS "currentPeriodStart", b.current_period_end AS "currentPeriodEnd",
         (SELECT json_agg(json_build_array(extract(epoch FROM period_start) * 1000, used)) FROM call_counters
           WHERE organization_id = $1::uuid AND (period_end > $3::timestamptz OR period_start = b.current_period_start)
         ) AS calls,
         s.used_bytes + s.reserved_bytes AS bytes, o.seats
  FROM unnest($2::text[]) WITH ORDINALITY r (resource, position)
  LEFT JOIN quota_limits l ON l.organization_id = $1::uuid AND l.resource = r.resource
  LEFT JOIN billing_accounts b ON b.organization_id = $1::uuid
  LEFT JOIN storage_usages s ON s.organization_id = $1::uuid
  LEFT JOIN organizations o ON o.id = $1::uuid
  ORDER BY r.position`;

function quotaFrom(ctx: Ctx, row: QuotaRow, unbooked: Unbooked | null): Quota {
  const { resource, planId } = row;
  const account = planId === null ? null : { ...row, planId };
  const { limit, period } = termsFrom(ctx, { account, own: row, resource });
  const used = {
    API_CALLS: callsUsed(row, period, unbooked),
    STORAGE_BYTES: Number(row.bytes),
    MEMBERS: row.seats ?? 0,
  };
  return {
    resource,
    limit,
    used: used[resource],
    remaining: Math.max(0, limit - used[resource]),
    resetsAt: resource === 'API_CALLS' ? period.end : null,
  };
}

function callsUsed({ calls }: QuotaRow, { start }: Period, unbooked: Unbooked | null): number {
  const [, booked = 0] = calls?.find(([startMs]) => startMs === start.getTime()) ?? [];
  return booked + (unbooked?.periodStart.getTime() === start.getTime() ? unbooked.quantity : 0);
}

/** As `quotasOf` for one. */
export async function quotaOf(ctx: Ctx, { organizationId, resource }: Input): Promise<Quota> {
  const [quota] = await quotasOf(ctx, organizationId, [resource]);
  if (!quota) throw new Error(`There is no quota of ${resource}.`);
  return quota;
}

/**
 * Sets a limit: a superuser's takes the place of the plan's, any other is the organization's own cap and may not be above
 * the plan (F12). What is used already stays.
 * @throws ValidationFailed; NotFound
 */
export async function setOrganizationQuota(ctx: Ctx, input: Input & { readonly limit: number }): Promise<Quota> {
  const { organizationId, resource, limit } = input;
  if (limit < 0) refuse('Give zero or more.');
  const bySuperuser = readsEverything(ctx.actor);
  await transact(ctx, async (ctx) => {
    await lockOrganization(ctx, organizationId);
    const { allowed, limit: before } = await termsOf(ctx, input);
    if (!bySuperuser && limit > allowed) refuse(`The plan allows ${allowed}.`);
    const change = bySuperuser ? { override: BigInt(limit), cap: null } : { cap: BigInt(limit) };
    await ctx.db.quotaLimit.upsert({
      where: { organizationId_resource: { organizationId, resource } },
      create: { organizationId, resource, ...change },
      update: change,
    });
    await recordAudit(ctx, {
      organizationId,
      action: 'quota.set',
      targetType: 'Organization',
      targetId: organizationId,
      metadata: { resource, limitBefore: before, limitAfter: limit, bySuperuser },
    });
  });
  await forgetLease(ctx, organizationId);
  return quotaOf(ctx, input);
}

function refuse(message: string): never {
  throw new ValidationFailed([{ path: ['limit'], message }]);
}
