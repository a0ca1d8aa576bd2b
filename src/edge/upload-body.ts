import type { IncomingMessage, ServerResponse } from 'node:http';
import { UploadRefused } from '../domains/files/upload-refusal.ts';

/** How slow a client may be. Only the time that we wait for it counts. */
export interface Pace {
  /** The longest wait for the next byte. */
  readonly idleMs: number;
  /** Over this time of waiting … */
  readonly windowMs: number;
  /** … at least so many bytes must come. */
  readonly windowBytes: number;
}

export const uploadPace: Pace = { idleMs: 30_000, windowMs: 60_000, windowBytes: 60 * 1024 };

/**
 * The body of a request, read only as fast as it is used. Unlike the stream's own iterator it leaves the connection open
 * when its reader stops, for the answer.
 * @throws UploadRefused when the client stalls or is gone; the reason of `signal`
 */
export async function* bodyOf(
  request: IncomingMessage,
  response: ServerResponse,
  { pace, signal }: { pace: Pace; signal: AbortSignal },
): AsyncIterable<Uint8Array> {
  if (request.headers.expect) response.writeContinue();
  let [waitedMs, bytes] = [0, 0];
  while (!request.readableEnded) {
    const chunk = request.read() as Buffer | null;
    if (chunk) {
      bytes += chunk.length;
      yield chunk;
      continue;
    }
    if (request.readableEnded) return;
    const since = performance.now();
    await nextEvent(request, { pace, signal });
    waitedMs += performance.now() - since;
    if (waitedMs < pace.windowMs) continue;
    if (bytes < pace.windowBytes) throw new UploadRefused('UPLOAD_STALLED');
    [waitedMs, bytes] = [0, 0];
  }
}

/** Waits until there is more to read, or an end. */
function nextEvent(request: IncomingMessage, { pace, signal }: { pace: Pace; signal: AbortSignal }): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (outcome: () => void) => () => {
      clearTimeout(timer);
      for (const [name, listener] of listeners) request.off(name, listener);
      signal.removeEventListener('abort', onAbort);
      outcome();
    };
    const onAbort = settle(() => reject(signal.reason));
    const timer = setTimeout(
      settle(() => reject(new UploadRefused('UPLOAD_STALLED'))),
      pace.idleMs,
    );
    const cut = settle(() => (request.complete ? resolve() : reject(new UploadRefused('UPLOAD_CUT'))));
    const listeners = [
      ['readable', settle(resolve)],
      ['end', settle(resolve)],
      ['error', cut],
      ['close', cut],
    ] as const;
    for (const [name, listener] of listeners) request.on(name, listener);
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
    else if (request.destroyed) cut();
  });
}
