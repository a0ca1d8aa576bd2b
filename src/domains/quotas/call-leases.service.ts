import { type Ctx, systemCtx } from '../../context.ts';
import { QuotaExceeded } from '../../errors.ts';
import type { CallLease, SpentCalls } from '../../platform/call-leases.ts';
import { transact } from '../../platform/db.ts';
import type { Platform } from '../../platform/platform.ts';
import { termsOf } from './limits.service.ts';
import { tellOfThresholds } from './thresholds.service.ts';
import { addUsage } from './usage-rollups.service.ts';

const chunkMax = 100;
/** How long this process believes that a quota is used up before it asks again. */
const refusalMs = 1_000;
const idleMs = 10_000;

/** One call to be charged. The nil UUID stands for nobody, and for no key. */
export interface Call {
  readonly organizationId: string;
  readonly operation: string;
  readonly userId: string;
  readonly apiKeyId: string;
}

/** What is left after a call, as far as this process knows. */
export interface CallsLeft {
  readonly limit: number;
  readonly remaining: number;
  readonly resetsAt: Date;
}

/**
 * Charges one call, from memory mostly: this process takes calls from the database in chunks and spends them. Never more
 * than the limit; up to a chunk of each other process less (D14).
 * @throws QuotaExceeded
 */
export async function chargeCall(platform: Platform, call: Call): Promise<CallsLeft> {
  const { held } = platform.callLeases;
  const { organizationId } = call;
  for (;;) {
    const lease = held.get(organizationId);
    if (lease && lease.left > 0 && platform.now() < lease.periodEnd) return spend(platform, lease, call);
    await alone(platform, organizationId, async () => {
      const lease = held.get(organizationId);
      // Somebody before us in the queue may have fetched enough for all.
      if (!lease || lease.left <= 0 || platform.now() >= lease.periodEnd) await takeChunk(platform, organizationId);
    });
  }
}

/** Writes down what was spent, and gives back what is left when nothing was spent for a while. */
export async function settle(ctx: Ctx, organizationId: string, returnAll = false): Promise<void> {
  const { platform } = ctx;
  await alone(platform, organizationId, async () => {
    const lease = platform.callLeases.held.get(organizationId);
    if (!lease) return;
    const isIdle = returnAll || platform.now().getTime() - lease.lastSpentMs >= idleMs;
    if (lease.spent.size > 0 || isIdle) await writeDown(platform, { organizationId, lease, giveBack: isIdle });
    if (isIdle && lease.spent.size === 0 && lease.left === 0) platform.callLeases.held.delete(organizationId);
  });
}

/** As `settle` for all, one after the other. A failure is logged and tried again by the next. */
export async function settleAll(platform: Platform, returnAll: boolean): Promise<void> {
  for (const organizationId of [...platform.callLeases.held.keys()]) {
    await settle(systemCtx(platform), organizationId, returnAll).catch((error: unknown) =>
      platform.log.warn({ err: error }, 'the use of calls was not written down'),
    );
  }
}

/** Lets the next call ask the database again, after a limit has changed. */
export function forgetRefusal({ platform }: Ctx, organizationId: string): void {
  platform.callLeases.refusedUntilMs.delete(organizationId);
}

function spend(platform: Platform, lease: CallLease, call: Call): CallsLeft {
  const now = platform.now();
  lease.left -= 1;
  lease.lastSpentMs = now.getTime();
  const { operation, userId, apiKeyId } = call;
  const day = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate()));
  const kind = `${day.getTime()}/${operation}/${userId}/${apiKeyId}`;
  const spent = lease.spent.get(kind) ?? { day, operation, userId, apiKeyId, quantity: 0 };
  spent.quantity += 1;
  lease.spent.set(kind, spent);
  const remaining = Math.max(0, lease.limit - lease.leased + lease.left);
  return { limit: lease.limit, remaining, resetsAt: lease.periodEnd };
}

/** @throws QuotaExceeded */
async function takeChunk(platform: Platform, organizationId: string): Promise<void> {
  const { held, refusedUntilMs } = platform.callLeases;
  const old = held.get(organizationId);
  const now = platform.now();
  if (old && now < old.periodEnd && now.getTime() < (refusedUntilMs.get(organizationId) ?? 0)) throw exceeded(old);
  if (old) await writeDown(platform, { organizationId, lease: old, giveBack: true });
  const lease = await transact(systemCtx(platform), (ctx) => leaseChunk(ctx, organizationId));
  held.set(organizationId, lease);
  if (lease.left > 0) return;
  refusedUntilMs.set(organizationId, now.getTime() + refusalMs);
  throw exceeded(lease);
}

/** The lock on the counter's row is what keeps two processes from the same calls. */
async function leaseChunk(ctx: Ctx, organizationId: string): Promise<CallLease> {
  const { limit, period } = await termsOf(ctx, { organizationId, resource: 'API_CALLS' });
  const key = { organizationId, periodStart: period.start };
  await ctx.db.callCounter.createMany({ data: { ...key, periodEnd: period.end }, skipDuplicates: true });
  const [row] = await ctx.db.$queryRaw<{ leased: bigint }[]>`
    SELECT leased FROM call_counters
    WHERE organization_id = ${organizationId}::uuid AND period_start = ${period.start} FOR UPDATE`;
  const before = Number(row?.leased ?? 0);
  const chunk = Math.min(chunkMax, Math.max(1, Math.floor(limit / 50)));
  const left = Math.max(0, Math.min(chunk, limit - before));
  const leased = before + left;
  if (left > 0) await ctx.db.callCounter.updateMany({ where: key, data: { leased } });
  const lastSpentMs = ctx.now().getTime();
  return { periodStart: period.start, periodEnd: period.end, limit, left, leased, spent: new Map(), lastSpentMs };
}

/** Rows and counter change together, so that their totals are equal. What failed to be written stays in memory. */
async function writeDown(
  platform: Platform,
  { organizationId, lease, giveBack }: { organizationId: string; lease: CallLease; giveBack: boolean },
): Promise<void> {
  const { spent } = lease;
  lease.spent = new Map();
  const returned = giveBack ? lease.left : 0;
  lease.left -= returned;
  try {
    if (spent.size > 0 || returned > 0)
      await transact(systemCtx(platform), (ctx) =>
        book(ctx, { organizationId, lease, spent: [...spent.values()], returned }),
      );
  } catch (error) {
    lease.left += returned;
    for (const [kind, calls] of spent) {
      const since = lease.spent.get(kind);
      lease.spent.set(kind, since ? { ...since, quantity: since.quantity + calls.quantity } : calls);
    }
    throw error;
  }
  lease.leased -= returned;
}

interface Booking {
  readonly organizationId: string;
  readonly lease: CallLease;
  readonly spent: readonly SpentCalls[];
  readonly returned: number;
}

async function book(ctx: Ctx, { organizationId, lease, spent, returned }: Booking): Promise<void> {
  const { periodStart, periodEnd, limit } = lease;
  const quantity = spent.reduce((sum, calls) => sum + calls.quantity, 0);
  const { count } = await ctx.db.callCounter.updateMany({
    where: { organizationId, periodStart },
    data: { used: { increment: quantity }, leased: { decrement: returned } },
  });
  // The organization is gone, and its counters with it.
  if (count === 0) return;
  await addUsage(ctx, { organizationId, periodStart, periodEnd, spent });
  await tellOfThresholds(ctx, { organizationId, periodStart, limit });
}

function exceeded({ limit, leased, periodEnd }: CallLease): QuotaExceeded {
  return new QuotaExceeded({ resource: 'API_CALLS', limit, used: leased, resetsAt: periodEnd });
}

/** Runs `work` when all earlier work of this process on the same organization is done. */
async function alone(platform: Platform, organizationId: string, work: () => Promise<void>): Promise<void> {
  const { working } = platform.callLeases;
  const mine = (working.get(organizationId) ?? Promise.resolve()).then(work, work);
  working.set(organizationId, mine);
  try {
    await mine;
  } finally {
    if (working.get(organizationId) === mine) working.delete(organizationId);
  }
}
