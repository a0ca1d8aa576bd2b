import type { Ctx } from '../../context.ts';
import { BadUserInput, type QuotaResource } from '../../errors.ts';
import type { UsageRollup } from '../../generated/prisma/client.ts';
import { encodeId, nilId } from '../../platform/typeid.ts';
import { settle } from './call-leases.service.ts';

export type UsageDimension = 'OPERATION' | 'USER' | 'API_KEY' | 'DAY';

/** What was used of one kind in one bucket of a day, cut at the ends of its period. */
export interface UsageRow {
  readonly key: string;
  readonly label: string;
  readonly quantity: number;
  readonly from: Date;
  readonly to: Date;
}

const dayMs = 86_400_000;
const rangeMaxDays = 400;

/**
 * Who and what spent calls, one row per day and operation, person, key, or nothing more. Of `from` to `to`, every day that
 * they touch. The sum over a whole period equals its counter (F31). Storage and seats are not spent: no rows.
 * @throws BadUserInput for a range that is empty or longer than 400 days
 */
export async function usageOf(
  ctx: Ctx,
  input: { organizationId: string; resource: QuotaResource; from: Date; to: Date; by: UsageDimension },
): Promise<UsageRow[]> {
  const { organizationId, from, to, by } = input;
  const days = (to.getTime() - from.getTime()) / dayMs;
  if (!(days > 0 && days <= rangeMaxDays)) throw new BadUserInput('`to` must lie after `from`, by 400 days at most.');
  if (input.resource !== 'API_CALLS') return [];
  await settle(ctx, organizationId);
  const column = { OPERATION: 'operation', USER: 'userId', API_KEY: 'apiKeyId', DAY: 'day' } as const;
  const rows = await ctx.db.usageRollup.groupBy({
    by: [...new Set(['periodStart', 'periodEnd', 'day', column[by]] as const)],
    where: {
      organizationId,
      day: { gt: new Date(from.getTime() - dayMs), lt: to },
      periodStart: { lt: to },
      periodEnd: { gt: from },
    },
    _sum: { quantity: true },
    orderBy: [{ day: 'asc' }, { periodStart: 'asc' }],
  });
  const labels = await labelsOf(ctx, { organizationId, by, rows });
  return rows.map((row) => rowOf(row, { by, labels })).sort((a, b) => a.from.getTime() - b.from.getTime());
}

type Group = Pick<UsageRollup, 'periodStart' | 'periodEnd' | 'day'> & {
  readonly operation?: string;
  readonly userId?: string;
  readonly apiKeyId?: string;
  readonly _sum: { readonly quantity: bigint | null };
};

function rowOf(row: Group, { by, labels }: { by: UsageDimension; labels: ReadonlyMap<string, string> }): UsageRow {
  const from = row.day < row.periodStart ? row.periodStart : row.day;
  const nextDay = new Date(row.day.getTime() + dayMs);
  const to = nextDay > row.periodEnd ? row.periodEnd : nextDay;
  const quantity = Number(row._sum.quantity ?? 0);
  const date = row.day.toISOString().slice(0, 10);
  if (by === 'DAY') return { key: date, label: date, quantity, from, to };
  if (by === 'OPERATION') {
    const operation = row.operation ?? '';
    return { key: operation, label: operation, quantity, from, to };
  }
  const id = (by === 'USER' ? row.userId : row.apiKeyId) ?? nilId;
  if (id === nilId) return { key: 'none', label: by === 'USER' ? 'Nobody' : 'Without a key', quantity, from, to };
  const key = encodeId(by === 'USER' ? 'User' : 'ApiKey', id);
  return { key, label: labels.get(id) ?? key, quantity, from, to };
}

/** Names of people and keys; who is gone is known by the id alone. */
async function labelsOf(
  ctx: Ctx,
  { organizationId, by, rows }: { organizationId: string; by: UsageDimension; rows: readonly Group[] },
): Promise<Map<string, string>> {
  const idsOf = (name: 'userId' | 'apiKeyId') => [...new Set(rows.flatMap((row) => row[name] ?? []))];
  const named =
    by === 'USER'
      ? await ctx.db.user.findMany({ where: { id: { in: idsOf('userId') } }, select: { id: true, name: true } })
      : by === 'API_KEY'
        ? await ctx.db.apiKey.findMany({
            where: { organizationId, id: { in: idsOf('apiKeyId') } },
            select: { id: true, name: true },
          })
        : [];
  return new Map(named.map(({ id, name }) => [id, name]));
}
