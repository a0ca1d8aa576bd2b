import { systemCtx } from '../../src/context.ts';
import type { TestApp } from './world.ts';

/** The context of a job that runs so many milliseconds from now. */
export const later = ({ platform }: Pick<TestApp, 'platform'>, ms: number) => ({
  ...systemCtx(platform),
  now: () => new Date(Date.now() + ms),
});
