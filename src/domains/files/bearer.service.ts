import type { Actor, Ctx } from '../../context.ts';
import { AppError } from '../../errors.ts';
import { actorByApiKeyId } from '../api-keys/live-api-key.service.ts';
import { requireReader, requireRole } from '../members/members.access.ts';
import { actorOf, findLiveSession } from '../sessions/live-session.ts';

/** What an upload or a download link was asked for with: it stands and falls with it. */
export interface Bearer {
  readonly sessionId: string | null;
  readonly apiKeyId: string | null;
}

/** The session or the key of the caller. */
export function bearerOf(actor: Actor): Bearer {
  return {
    sessionId: actor.kind === 'user' ? actor.sessionId : null,
    apiKeyId: actor.kind === 'apiKey' ? actor.apiKeyId : null,
  };
}

/**
 * The caller of then as they are now, if they may still read, or write, the files of an organization; null when session or
 * key is over, the membership gone, the scope missing, or a second factor wanted.
 */
export async function standingBearer(
  ctx: Ctx,
  { organizationId, ...bearer }: Bearer & { readonly organizationId: string },
  access: 'read' | 'write',
): Promise<Actor | null> {
  const actor = await actorOfBearer(ctx, bearer, organizationId);
  if (!actor || (actor.kind === 'apiKey' && !actor.scopes.includes(`files:${access}`))) return null;
  const require = access === 'read' ? requireReader : requireRole;
  try {
    await require({ ...ctx, actor }, organizationId, 'MEMBER');
    return actor;
  } catch (refusal) {
    if (refusal instanceof AppError) return null;
    throw refusal;
  }
}

async function actorOfBearer(ctx: Ctx, { sessionId, apiKeyId }: Bearer, organizationId: string): Promise<Actor | null> {
  if (apiKeyId !== null) return actorByApiKeyId(ctx.platform, apiKeyId);
  if (sessionId === null) return null;
  const live = await findLiveSession(ctx.platform, { sessionId, organizationId });
  return live && actorOf(live);
}
