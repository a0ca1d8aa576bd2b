import type { Actor, RequestCtx } from '../context.ts';
import { looksLikeApiKey } from '../domains/api-keys/api-key-token.ts';
import { actorByApiKey } from '../domains/api-keys/live-api-key.service.ts';
import { actorOf, findLiveSession } from '../domains/sessions/live-session.ts';
import { NotFound, Unauthenticated } from '../errors.ts';
import { idOf } from '../graphql/ids.ts';
import type { Platform } from '../platform/platform.ts';
import type { Standing } from './credential-watch.ts';

export interface Credentials {
  readonly authorization: string | null;
  /** X-Organization-Id */
  readonly organizationId: string | null;
}

/**
 * Who asks, judged anew for each request against the live row of the session or the API key.
 * @throws Unauthenticated for credentials that are not good; NotFound for an organization that is not the caller's
 */
export async function authenticate(
  platform: Platform,
  credentials: Credentials,
  call: Pick<RequestCtx, 'origin' | 'cookies'>,
): Promise<RequestCtx> {
  const { db, now, log } = platform;
  const actor = await actorFor(platform, credentials);
  return {
    db,
    now,
    actor,
    platform,
    ...call,
    // Made when it is used: most requests say nothing but their own line.
    get log() {
      return log.child({ requestId: call.origin.requestId });
    },
  };
}

/** What a connection that goes on after its first answer stands on. */
export async function standingOf(
  { accessTokens, now }: Platform,
  { authorization, organizationId }: Credentials,
  { actor, origin }: RequestCtx,
): Promise<Omit<Standing, 'end'>> {
  const token = authorization && (await accessTokens.verify(authorization.replace(/^Bearer +/i, ''), now()));
  return {
    actor,
    address: origin.ipAddress ?? '',
    organizationId: organizationId === null ? null : idOf('Organization', organizationId),
    expiresAt: token ? token.expiresAt : null,
  };
}

async function actorFor(platform: Platform, { authorization, organizationId }: Credentials): Promise<Actor> {
  if (!authorization) return { kind: 'anonymous' };
  const token = /^Bearer +(\S+)$/i.exec(authorization)?.[1] ?? '';
  const chosenId = organizationId === null ? null : idOf('Organization', organizationId);
  return looksLikeApiKey(token) ? keyFor(platform, token, chosenId) : personFor(platform, token, chosenId);
}

async function keyFor(platform: Platform, token: string, chosenId: string | null): Promise<Actor> {
  const actor = await actorByApiKey(platform, token);
  if (!actor) throw new Unauthenticated('This API key is not valid, or not any more.');
  if (chosenId !== null && chosenId !== actor.organizationId) throw new NotFound();
  return actor;
}

async function personFor(platform: Platform, token: string, chosenId: string | null): Promise<Actor> {
  const claims = await platform.accessTokens.verify(token, platform.now());
  if (!claims) throw new Unauthenticated('This access token is not valid, or not any more.');
  const live = await findLiveSession(platform, { sessionId: claims.sessionId, organizationId: chosenId });
  if (!live || live.userId !== claims.userId) throw new Unauthenticated('This session is over.');
  if (chosenId !== null && live.organizationId === null) throw new NotFound();
  return actorOf(live);
}
