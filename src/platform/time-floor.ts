import { setTimeout as delay } from 'node:timers/promises';
import type { Ctx } from '../context.ts';

/** Longer than what the slowest of the answers that must look alike needs on an idle machine: one hash and a few writes. */
export const productionFloorMs = 300;

/** Runs `work` so that its answer or refusal comes no sooner than the floor: how long it took says nothing of what was found. */
export async function withTimeFloor<T>(ctx: Ctx, work: () => Promise<T>): Promise<T> {
  const endsAtMs = performance.now() + ctx.platform.timeFloorMs;
  const leftMs = () => Math.ceil(endsAtMs - performance.now());
  try {
    return await work();
  } finally {
    // A timer may fire a moment early.
    while (leftMs() > 0) await delay(leftMs());
  }
}
