import type { Actor, RequestCtx } from '../context.ts';
import { actorOf, findLiveSession } from '../domains/sessions/live-session.ts';
import { NotFound, Unauthenticated } from '../errors.ts';
import { idOf } from '../graphql/ids.ts';
import type { Platform } from '../platform/platform.ts';

export interface Credentials {
  readonly authorization: string | null;
  /** X-Organization-Id */
  readonly organizationId: string | null;
}

/**
 * Who asks, judged anew for each request against the live session row.
 * @throws Unauthenticated for credentials that are not good; NotFound for an organization that is not the caller's
 */
export async function authenticate(
  platform: Platform,
  credentials: Credentials,
  origin: RequestCtx['origin'],
): Promise<RequestCtx> {
  const { db, now, log } = platform;
  const actor = await actorFor(platform, credentials);
  return { db, now, actor, origin, platform, log: log.child({ requestId: origin.requestId }) };
}

async function actorFor(platform: Platform, { authorization, organizationId }: Credentials): Promise<Actor> {
  if (!authorization) return { kind: 'anonymous' };
  const token = /^Bearer +(\S+)$/i.exec(authorization)?.[1];
  const claims = token ? await platform.accessTokens.verify(token, platform.now()) : null;
  if (!claims) throw new Unauthenticated('This access token is not valid, or not any more.');
  const chosenId = organizationId === null ? null : idOf('Organization', organizationId);
  const live = await findLiveSession(platform, { sessionId: claims.sessionId, organizationId: chosenId });
  if (!live || live.userId !== claims.userId) throw new Unauthenticated('This session is over.');
  if (chosenId !== null && live.organizationId === null) throw new NotFound();
  return actorOf(live);
}
