import type { Ctx } from '../../context.ts';
import { type QuotaResource, ValidationFailed } from '../../errors.ts';
import { transact } from '../../platform/db.ts';
import { recordAudit } from '../audit/audit.service.ts';
import { readsEverything } from '../members/members.access.ts';
import { lockOrganization } from '../organizations/organization-lock.ts';
import { forgetLease, settle } from './call-leases.service.ts';
import { termsOf } from './limits.service.ts';
import { seatsUsed } from './seats.service.ts';
import { storageUsed } from './storage.service.ts';

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

/** One resource of an organization as it stands. Calls of this process are counted, those of others up to seconds ago. */
export async function quotaOf(ctx: Ctx, input: Input): Promise<Quota> {
  if (input.resource === 'API_CALLS') await settle(ctx, input.organizationId);
  const { limit, period } = await termsOf(ctx, input);
  const used = await usedOf(ctx, input, period.start);
  const resetsAt = input.resource === 'API_CALLS' ? period.end : null;
  return { resource: input.resource, limit, used, remaining: Math.max(0, limit - used), resetsAt };
}

async function usedOf(ctx: Ctx, { organizationId, resource }: Input, periodStart: Date): Promise<number> {
  if (resource === 'MEMBERS') return seatsUsed(ctx, organizationId);
  if (resource === 'STORAGE_BYTES') return storageUsed(ctx, organizationId);
  const counter = await ctx.db.callCounter.findUnique({
    where: { organizationId_periodStart: { organizationId, periodStart } },
  });
  return Number(counter?.used ?? 0);
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
