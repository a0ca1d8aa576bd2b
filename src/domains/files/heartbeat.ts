import type { Ctx } from '../../context.ts';

const beatEveryMs = 1_000;

/**
 * Calls `beat` every second, one at a time, until `stop`. One that fails, as while the database is away, is made up for by
 * the next; after too many others take the upload for dead.
 */
export function startBeating(ctx: Ctx, beat: () => Promise<void>): { stop(): Promise<void> } {
  const attempt = () => beat().catch((error: unknown) => ctx.log.warn({ err: error }, 'an upload missed a beat'));
  let running = Promise.resolve();
  const timer = setInterval(() => {
    running = running.then(attempt);
  }, beatEveryMs);
  return {
    stop() {
      clearInterval(timer);
      return running;
    },
  };
}
