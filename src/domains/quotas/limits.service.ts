import type { Ctx } from '../../context.ts';
import type { QuotaResource } from '../../errors.ts';

const free: Record<QuotaResource, number> = { API_CALLS: 10_000, STORAGE_BYTES: 1024 ** 3, MEMBERS: 5 };

/** How much of a resource an organization may use. */
export async function limitOf(
  _ctx: Ctx,
  { resource }: { organizationId: string; resource: QuotaResource },
): Promise<number> {
  return free[resource];
}
