import { Repeater } from '@repeaterjs/repeater';
import type { Ctx } from '../../context.ts';
import { openStates } from './upload-ends.service.ts';

const leastPauseMs = 500;
/** A wake-up can be lost with the process, or the Redis, that should have brought it. */
const lookEveryMs = 5_000;

/** The id of an upload each time that it has moved on, at most twice a second, from now to its end. */
export function uploadChanges(ctx: Ctx, { uploadId }: { uploadId: string }): AsyncIterable<string> {
  return new Repeater<string>(async (push, stop) => {
    let [ring, hasStopped] = [() => {}, false];
    const wakeUps = ctx.platform.pubsub.subscribe('uploadProgress', uploadId)[Symbol.asyncIterator]();
    void (async () => {
      while (!(await wakeUps.next()).done) ring();
    })().catch((error: unknown) => ctx.log.warn({ err: error }, 'a wake-up for an upload was lost'));
    const timer = setInterval(() => ring(), lookEveryMs).unref();
    void stop.then(() => {
      hasStopped = true;
      clearInterval(timer);
      void wakeUps.return?.();
      ring();
    });
    let told = '';
    while (!hasStopped) {
      // Set before the look: what commits during it rings again.
      const nextRing = new Promise<void>((resolve) => {
        ring = resolve;
      });
      const upload = await ctx.db.upload.findUnique({ where: { id: uploadId } });
      if (!upload) break;
      const { state, receivedBytes } = upload;
      const now = `${state}/${receivedBytes}`;
      if (now !== told) await push(uploadId);
      told = now;
      if (!openStates.includes(state)) break;
      await pause(leastPauseMs);
      await nextRing;
    }
    stop();
  });
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
