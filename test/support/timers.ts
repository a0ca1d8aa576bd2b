import { vi } from 'vitest';

/**
 * Until the returned function is called, timers that are meant end after a moment and all others as ever. Fake timers
 * would lose those that the rest of the program sets meanwhile.
 */
export function hurry(isMeant: (ms: number) => boolean): () => void {
  const spies = (['setTimeout', 'setInterval'] as const).map((name) => {
    const real: (work: () => void, ms?: number, ...rest: unknown[]) => unknown = globalThis[name];
    const quick = (work: () => void, ms = 0, ...rest: unknown[]) => real(work, isMeant(ms) ? 50 : ms, ...rest);
    return vi.spyOn(globalThis, name).mockImplementation(quick as never);
  });
  return () => {
    for (const spy of spies) spy.mockRestore();
  };
}
