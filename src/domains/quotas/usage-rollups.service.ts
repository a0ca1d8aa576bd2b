import type { Ctx } from '../../context.ts';
import type { SpentCalls } from '../../platform/call-leases.ts';

/** Adds calls to the rows of their kind, in one statement, in the transaction that counts them. */
export async function addUsage(
  ctx: Ctx,
  input: {
    readonly organizationId: string;
    readonly periodStart: Date;
    readonly periodEnd: Date;
    readonly spent: readonly SpentCalls[];
  },
): Promise<void> {
  const { organizationId, periodStart, periodEnd } = input;
  if (input.spent.length === 0) return;
  // Always in the same order, so that two processes do not wait for each other's rows.
  const spent = [...input.spent].sort((a, b) => (kindOf(a) < kindOf(b) ? -1 : 1));
  await ctx.db.$executeRaw`
    INSERT INTO usage_rollups AS u
      (organization_id, period_start, period_end, day, operation, user_id, api_key_id, quantity)
    SELECT ${organizationId}::uuid, ${periodStart}, ${periodEnd}, s.* FROM unnest(
      ${spent.map(({ day }) => day)}::timestamptz[], ${spent.map(({ operation }) => operation)}::text[],
      ${spent.map(({ userId }) => userId)}::uuid[], ${spent.map(({ apiKeyId }) => apiKeyId)}::uuid[],
      ${spent.map(({ quantity }) => quantity)}::bigint[]) AS s
    ON CONFLICT (organization_id, period_start, day, operation, user_id, api_key_id)
    DO UPDATE SET quantity = u.quantity + excluded.quantity`;
}

function kindOf({ day, operation, userId, apiKeyId }: SpentCalls): string {
  return `${day.toISOString()}/${operation}/${userId}/${apiKeyId}`;
}
