import type { Ctx } from '../../context.ts';
import { macOf, newSecret } from '../../platform/tokens.ts';

/**
 * The secret of a mailed link: the same at each attempt of one job, so that whichever copy arrives has the link that
 * works, and not to be guessed by who reads the job. `parts` say what it is for, and what makes it void.
 */
export function mailedSecret(ctx: Ctx, ...parts: string[]): string {
  if (!ctx.job) return newSecret();
  return macOf(ctx.platform.keyring.derive('mailed-secret'), JSON.stringify([ctx.job.id, ...parts])).toString(
    'base64url',
  );
}
