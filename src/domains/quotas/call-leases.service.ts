import { type Ctx, systemCtx } from '../../context.ts';
import { QuotaExceeded } from '../../errors.ts';
import { type CallLease, type CallsLeft, kindOf, quantityOf, type SpentCalls } from '../../platform/call-leases.ts';
import { transact } from '../../platform/db.ts';
import type { Platform } from '../../platform/platform.ts';
import { bookCalls } from './call-booking.service.ts';
import { termsOf } from './limits.service.ts';

const chunkMax = 100;
/** A chunk is this part of the limit, so that what other processes hold never makes much of a small limit. */
const chunksInLimit = 50;
const leaseMs = 10_000;
/** How long this process believes that a quota is used up before it asks again. */
const refusalMs = 1_000;
/** Organizations that are written down side by side; the rest of the pool is for requests. */
const settledAtOnce = 8;

/** One call to be charged. The nil UUID stands for nobody, and for no key. */
export interface Call {
  readonly organizationId: string;
  readonly operation: string;
  readonly userId: string;
  readonly apiKeyId: string;
}

/**
 * Charges one call, from memory mostly: this process takes calls from the database in chunks and spends them. Never more
 * than the limit; up to a chunk of each other process less (D14). Null for an organization that is gone.
 * @throws QuotaExceeded
 */
export async function chargeCall(platform: Platform, call: Call): Promise<CallsLeft | null> {
  for (;;) {
    const lease = goodLease(platform, call.organizationId);
    if (lease) return spend(platform, lease, call);
    if (!(await alone(platform, call.organizationId, () => renew(platform, call.organizationId)))) return null;
  }
}

/** Writes down what was spent, and gives back what is left of a lease that is over, or of any. */
export async function settle(
  { platform }: Ctx,
  organizationId: string,
  { giveBack = false }: { giveBack?: boolean } = {},
): Promise<void> {
  await alone(platform, organizationId, () => {
    const lease = platform.callLeases.held.get(organizationId);
    return writeDown(platform, organizationId, giveBack || (!!lease && platform.now() >= lease.goodUntil));
  });
}

/** As `settle` for all organizations. A failure is logged, and what it has left is tried again by the next. */
export async function settleAll(platform: Platform, options?: { giveBack: boolean }): Promise<void> {
  const { held, usedUp } = platform.callLeases;
  for (const [organizationId, { until }] of usedUp) if (platform.now() >= until) usedUp.delete(organizationId);
  const open = [...held.keys()];
  const settleNext = async () => {
    for (let organizationId = open.pop(); organizationId; organizationId = open.pop()) {
      await settle(systemCtx(platform), organizationId, options).catch((error: unknown) =>
        platform.log.warn({ err: error }, 'the use of calls was not written down'),
      );
    }
  };
  await Promise.all(Array.from({ length: settledAtOnce }, settleNext));
}

/** What a process has spent in one period and not written down. */
export interface Unbooked {
  readonly periodStart: Date;
  readonly quantity: number;
}

/**
 * What `read` finds in the rows, and the calls that this process has spent and not written down: together they are what was
 * used, since nothing of it is written down meanwhile.
 */
export async function readWithUnbooked<T>(
  { platform }: Ctx,
  organizationId: string,
  read: () => Promise<T>,
): Promise<{ readonly found: T; readonly unbooked: Unbooked | null }> {
  return alone(platform, organizationId, async () => {
    const found = await read();
    const lease = platform.callLeases.held.get(organizationId);
    return { found, unbooked: lease ? { ...lease, quantity: quantityOf(lease.spent.values()) } : null };
  });
}

/** After a limit has changed: here it holds from the next call on, in other processes once their lease is over. */
export async function forgetLease(ctx: Ctx, organizationId: string): Promise<void> {
  await settle(ctx, organizationId, { giveBack: true });
  ctx.platform.callLeases.usedUp.delete(organizationId);
}

function goodLease({ callLeases, now }: Platform, organizationId: string): CallLease | null {
  const lease = callLeases.held.get(organizationId);
  return lease && lease.left > 0 && now() < lease.goodUntil ? lease : null;
}

function spend(platform: Platform, lease: CallLease, { operation, userId, apiKeyId }: Call): CallsLeft {
  lease.left -= 1;
  const now = platform.now();
  const day = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate()));
  const kind = kindOf({ day, operation, userId, apiKeyId });
  const spent = lease.spent.get(kind) ?? { day, operation, userId, apiKeyId, quantity: 0 };
  spent.quantity += 1;
  lease.spent.set(kind, spent);
  return callsLeft(lease);
}

function callsLeft({ limit, leased, left, periodEnd }: CallLease): CallsLeft {
  const used = leased - left;
  return { limit, used, remaining: Math.max(0, limit - used), resetsAt: periodEnd };
}

/** Sees to a lease to spend from. @returns whether the organization is there @throws QuotaExceeded */
async function renew(platform: Platform, organizationId: string): Promise<boolean> {
  const { held, usedUp } = platform.callLeases;
  // Somebody before us in the queue may have fetched enough for all, or been refused.
  if (goodLease(platform, organizationId)) return true;
  const refusal = usedUp.get(organizationId);
  if (refusal && platform.now() < refusal.until) throw exceeded(refusal.calls);
  await writeDown(platform, organizationId, true);
  const lease = await takeChunk(systemCtx(platform), organizationId);
  if (!lease) return false;
  if (lease.left > 0) held.set(organizationId, lease);
  else {
    const calls = callsLeft(lease);
    usedUp.set(organizationId, { until: new Date(platform.now().getTime() + refusalMs), calls });
    throw exceeded(calls);
  }
  return true;
}

/** Takes a chunk, or what there is, of the current period. Null when the organization is gone. */
async function takeChunk(ctx: Ctx, organizationId: string): Promise<CallLease | null> {
  const { limit, period } = await termsOf(ctx, { organizationId, resource: 'API_CALLS' });
  const chunk = Math.min(chunkMax, Math.max(1, Math.floor(limit / chunksInLimit)));
  const taking = { organizationId, period, limit, chunk };
  const taken = (await take(ctx, taking)) ?? ((await openPeriod(ctx, taking)) ? await take(ctx, taking) : null);
  if (!taken) return null;
  const leaseEndMs = Math.min(ctx.now().getTime() + leaseMs, period.end.getTime());
  return {
    periodStart: period.start,
    periodEnd: period.end,
    limit,
    leased: Number(taken.leased),
    goodUntil: new Date(leaseEndMs),
    left: Number(taken.granted),
    spent: new Map(),
  };
}

interface Taking {
  readonly organizationId: string;
  readonly period: { readonly start: Date; readonly end: Date };
  readonly limit: number;
  readonly chunk: number;
}

/** One statement: its lock on the counter's row keeps two processes from the same calls. Null without a row. */
async function take(ctx: Ctx, { organizationId, period, limit, chunk }: Taking) {
  const [taken] = await ctx.db.$queryRaw<{ granted: bigint; leased: bigint }[]>`
    UPDATE call_counters c SET leased = c.leased + free.granted
    FROM (SELECT greatest(0, least(${chunk}::bigint, ${limit}::bigint - leased)) AS granted FROM call_counters
      WHERE organization_id = ${organizationId}::uuid AND period_start = ${period.start} FOR UPDATE) free
    WHERE c.organization_id = ${organizationId}::uuid AND c.period_start = ${period.start}
    RETURNING free.granted, c.leased`;
  return taken ?? null;
}

/** @returns whether there is an organization to count for */
async function openPeriod(ctx: Ctx, { organizationId, period }: Taking): Promise<boolean> {
  const rows = await ctx.db.$queryRaw<unknown[]>`
    WITH opened AS (
      INSERT INTO call_counters (organization_id, period_start, period_end)
      SELECT id, ${period.start}, ${period.end} FROM organizations WHERE id = ${organizationId}::uuid FOR KEY SHARE
      ON CONFLICT DO NOTHING)
    SELECT id FROM organizations WHERE id = ${organizationId}::uuid`;
  return rows.length > 0;
}

/** Books what this process holds of an organization. What failed to be booked stays in memory. */
async function writeDown(platform: Platform, organizationId: string, giveBack: boolean): Promise<void> {
  const { held } = platform.callLeases;
  const lease = held.get(organizationId);
  if (!lease) return;
  const { spent, left } = lease;
  const returned = giveBack ? left : 0;
  lease.spent = new Map();
  lease.left -= returned;
  try {
    if (spent.size > 0 || returned > 0)
      await transact(systemCtx(platform), (ctx) =>
        bookCalls(ctx, { organizationId, ...lease, spent: [...spent.values()], returned }),
      );
  } catch (error) {
    lease.left += returned;
    lease.spent = together(spent, lease.spent);
    throw error;
  }
  if (giveBack) held.delete(organizationId);
}

function together(before: Map<string, SpentCalls>, since: Map<string, SpentCalls>): Map<string, SpentCalls> {
  const all = new Map(before);
  for (const [kind, calls] of since)
    all.set(kind, { ...calls, quantity: calls.quantity + (before.get(kind)?.quantity ?? 0) });
  return all;
}

function exceeded({ limit, used, resetsAt }: CallsLeft): QuotaExceeded {
  return new QuotaExceeded({ resource: 'API_CALLS', limit, used, resetsAt });
}

/** Runs `work` when all earlier work of this process on the same organization is done. */
async function alone<T>(platform: Platform, organizationId: string, work: () => Promise<T>): Promise<T> {
  const { working } = platform.callLeases;
  const mine = (working.get(organizationId) ?? Promise.resolve()).then(work, work);
  working.set(organizationId, mine);
  try {
    return await mine;
  } finally {
    if (working.get(organizationId) === mine) working.delete(organizationId);
  }
}
