import type { Ctx } from '../../context.ts';

const atOnce = 100;

/**
 * Removes objects that nothing points to, and then the notes of them. One that the storage does not let go now stays noted
 * for the next round. May run anywhere, twice too.
 */
export async function removeDiscarded(ctx: Ctx, storageKeys: readonly string[]): Promise<void> {
  for (const storageKey of storageKeys) {
    try {
      await ctx.platform.storage.remove(storageKey);
      await ctx.db.discardedObject.deleteMany({ where: { storageKey } });
    } catch (error) {
      ctx.log.warn({ err: error }, 'an object of the storage was not removed');
    }
  }
}

/** As `removeDiscarded`, for all that is noted, until `signal` aborts. */
export async function removeAllDiscarded(ctx: Ctx, signal: AbortSignal): Promise<void> {
  for (let after = ''; !signal.aborted; ) {
    const noted = await ctx.db.discardedObject.findMany({
      where: { storageKey: { gt: after } },
      orderBy: { storageKey: 'asc' },
      take: atOnce,
    });
    const keys = noted.map(({ storageKey }) => storageKey);
    await removeDiscarded(ctx, keys);
    after = keys.at(-1) ?? '';
    if (keys.length < atOnce) return;
  }
}
