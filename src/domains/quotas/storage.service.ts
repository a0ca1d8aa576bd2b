import type { Ctx } from '../../context.ts';

/** How many bytes the files of an organization take. Nothing is stored yet. */
export async function storageUsed(_ctx: Ctx, _organizationId: string): Promise<number> {
  return 0;
}
