import type { Ctx } from '../../context.ts';
import { kindOf, quantityOf, type SpentCalls } from '../../platform/call-leases.ts';
import { tellOfThresholds } from './thresholds.service.ts';

export interface Booking {
  readonly organizationId: string;
  readonly periodStart: Date;
  readonly periodEnd: Date;
  readonly limit: number;
  readonly spent: readonly SpentCalls[];
  /** Leased and never to be spent. */
  readonly returned: number;
}

/** Counts spent calls and adds them to the rows of their kind, so that the totals of both are equal. Joins a transaction. */
export async function bookCalls(ctx: Ctx, booking: Booking): Promise<void> {
  const { organizationId, periodStart, spent, returned } = booking;
  const quantity = quantityOf(spent);
  const [counter] = await ctx.db.callCounter.updateManyAndReturn({
    where: { organizationId, periodStart },
    data: { used: { increment: quantity }, leased: { decrement: returned } },
  });
  // The organization is gone, and its counters with it.
  if (!counter || quantity === 0) return;
  await addUsage(ctx, booking);
  await tellOfThresholds(ctx, counter, booking.limit);
}

/** In one statement, and always in the same order, so that two processes do not wait for each other's rows. */
async function addUsage(ctx: Ctx, { organizationId, periodStart, periodEnd, spent }: Booking): Promise<void> {
  const rows = [...spent].sort((a, b) => (kindOf(a) < kindOf(b) ? -1 : 1));
  await ctx.db.$executeRaw`
    INSERT INTO usage_rollups AS u
      (organization_id, period_start, period_end, day, operation, user_id, api_key_id, quantity)
    SELECT ${organizationId}::uuid, ${periodStart}, ${periodEnd}, s.* FROM unnest(
      ${rows.map(({ day }) => day)}::timestamptz[], ${rows.map(({ operation }) => operation)}::text[],
      ${rows.map(({ userId }) => userId)}::uuid[], ${rows.map(({ apiKeyId }) => apiKeyId)}::uuid[],
      ${rows.map(({ quantity }) => quantity)}::bigint[]) AS s
    ON CONFLICT (organization_id, period_start, day, operation, user_id, api_key_id)
    DO UPDATE SET quantity = u.quantity + excluded.quantity`;
}
