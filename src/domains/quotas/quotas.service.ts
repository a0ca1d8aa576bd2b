import type { Ctx } from '../../context.ts';
import { type QuotaResource, ValidationFailed } from '../../errors.ts';
import { transact } from '../../platform/db.ts';
import { recordAudit } from '../audit/audit.service.ts';
import { readsEverything } from '../members/members.access.ts';
import { lockOrganization } from '../organizations/organization-lock.ts';
import { type CallPeriod, forgetLease, readWithUnbooked } from './call-leases.service.ts';
import { committedTermsOf, termsOf } from './limits.service.ts';

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
  const terms = await committedTermsOf(ctx, { organizationId, resources });
  const periodStart = terms[0]?.period.start ?? ctx.now();
  const { found, unbooked } = await readWithUnbooked(ctx, { organizationId, periodStart }, () =>
    usedOf(ctx, { organizationId, periodStart }),
  );
  return terms.map(({ resource, limit, period }) => {
    const isOfCalls = resource === 'API_CALLS';
    const used = Number(found[resource] ?? 0) + (isOfCalls ? unbooked : 0);
    return { resource, limit, used, remaining: Math.max(0, limit - used), resetsAt: isOfCalls ? period.end : null };
  });
}

/** As `quotasOf` for one. */
export async function quotaOf(ctx: Ctx, { organizationId, resource }: Input): Promise<Quota> {
  const [quota] = await quotasOf(ctx, organizationId, [resource]);
  if (!quota) throw new Error(`There is no quota of ${resource}.`);
  return quota;
}

type Used = Readonly<Record<QuotaResource, string | null>>;

/** A reservation counts as used. */
const usedStatement = `
  SELECT (SELECT used FROM call_counters WHERE organization_id = $1::uuid AND period_start = $2) AS "API_CALLS",
         (SELECT used_bytes + reserved_bytes FROM storage_usages WHERE organization_id = $1::uuid) AS "STORAGE_BYTES",
         (SELECT seats FROM organizations WHERE id = $1::uuid) AS "MEMBERS"`;

async function usedOf(ctx: Ctx, { organizationId, periodStart }: CallPeriod): Promise<Used> {
  const values = [organizationId, periodStart];
  const [row] = await ctx.platform.read<Used>({ name: 'quota-used', text: usedStatement, values });
  return row ?? { API_CALLS: null, STORAGE_BYTES: null, MEMBERS: null };
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
