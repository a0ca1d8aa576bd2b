import type { Ctx } from '../../context.ts';
import { NotFound } from '../../errors.ts';

/**
 * Takes the organization's row first, always, so that of two who change its people or its limits at once the second sees
 * the first. @throws NotFound
 */
export async function lockOrganization(ctx: Ctx, organizationId: string): Promise<void> {
  if (!(await holdOrganization(ctx, organizationId))) throw new NotFound();
}

/** As `lockOrganization`, for whom an organization that is gone is no refusal. @returns whether it is there */
export async function holdOrganization(ctx: Ctx, organizationId: string): Promise<boolean> {
  const rows = await ctx.db.$queryRaw<unknown[]>`
    SELECT id FROM organizations WHERE id = ${organizationId}::uuid FOR NO KEY UPDATE`;
  return rows.length > 0;
}
