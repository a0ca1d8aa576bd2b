import type { Ctx } from '../../context.ts';
import { InvalidCode, InvalidToken } from '../../errors.ts';
import { closeChallenge, isChallengeOpen, reserveTry } from '../sessions/challenges.service.ts';
import { issueTokens, type SignedIn, startSession } from '../sessions/sessions.service.ts';
import { passSecondFactor } from './second-factor.service.ts';

/**
 * Ends a sign-in that waits for its second factor: of several at once with good codes, one gets a session.
 * @throws InvalidCode with the tries that are left; InvalidToken when the challenge is over
 */
export async function verifyMfaChallenge(
  ctx: Ctx,
  { challengeToken, code }: { challengeToken: string; code: string },
): Promise<SignedIn> {
  const challenge = await reserveTry(ctx, { challengeToken });
  const { userId, method, attemptsLeft } = challenge;
  const session = await passSecondFactor(ctx, { userId, code }, async (ctx) => {
    await closeChallenge(ctx, challenge);
    return startSession(ctx, { userId, method, isMfaSatisfied: true });
  });
  if (session) return issueTokens(ctx, session);
  if (!(await isChallengeOpen(ctx, challenge))) throw new InvalidToken();
  throw new InvalidCode(attemptsLeft);
}
