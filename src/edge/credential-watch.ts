import type { Actor } from '../context.ts';
import { endedKeys } from '../domains/api-keys/live-api-key.service.ts';
import { endedSessions } from '../domains/sessions/live-session.ts';
import { RateLimited } from '../errors.ts';
import type { Platform } from '../platform/platform.ts';
import { limits } from './limits.ts';

/** A connection that goes on after its first answer, and what it may go on by. */
export interface Standing {
  readonly actor: Actor;
  /** Of the client, as rate limits see it. */
  readonly address: string;
  /** The one that the caller has named, null for none. */
  readonly organizationId: string | null;
  /** Of the access token; null without one. */
  readonly expiresAt: Date | null;
  /** Called once, when the credentials are good no more, or the organization is not the caller's any more. */
  readonly end: (code: 'UNAUTHENTICATED' | 'NOT_FOUND') => void;
}

export interface CredentialWatch {
  /**
   * @returns what ends the watching
   * @throws RateLimited when the person, the key or, without credentials, the address has too many open already
   */
  watch(standing: Standing): () => void;
  close(): void;
}

const lookEveryMs = 500;
const fullForSeconds = 30;

/**
 * Ends standing connections within a second of the end of what they stand on, whichever machine ended it: one read for
 * all connections of a process, twice a second. Events need none of it, since each is judged anew.
 */
export function createCredentialWatch(platform: Platform): CredentialWatch {
  const standings = new Set<Standing>();
  const heldBy = new Map<string, number>();
  let isClosed = false;
  const leave = (standing: Standing) => {
    if (!standings.delete(standing)) return false;
    platform.metrics.connections.dec();
    const holder = holderOf(standing);
    const held = (heldBy.get(holder) ?? 1) - 1;
    if (held > 0) heldBy.set(holder, held);
    else heldBy.delete(holder);
    return true;
  };
  const look = async () => {
    const watched = [...standings].filter((standing) => standing.actor.kind !== 'anonymous');
    const ended = await codesOf(platform, watched).catch((error: unknown) => {
      platform.log.debug({ err: error }, 'standing connections were not looked at');
      return new Map<Standing, 'UNAUTHENTICATED' | 'NOT_FOUND'>();
    });
    for (const [standing, code] of ended) if (leave(standing)) standing.end(code);
  };
  const tick = () => {
    timer = setTimeout(async () => {
      if (standings.size > 0) await look();
      if (!isClosed) tick();
    }, lookEveryMs).unref();
  };
  let timer: NodeJS.Timeout;
  tick();
  return {
    watch(standing) {
      const holder = holderOf(standing);
      const held = heldBy.get(holder) ?? 0;
      if (held >= maxFor(platform, standing)) throw new RateLimited(fullForSeconds);
      standings.add(standing);
      platform.metrics.connections.inc();
      heldBy.set(holder, held + 1);
      return () => leave(standing);
    },
    close() {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}

function holderOf({ actor, address }: Standing): string {
  if (actor.kind === 'user') return actor.userId;
  return actor.kind === 'apiKey' ? actor.apiKeyId : address;
}

/** Limits by address scale, as everywhere; those by person and key do not. */
function maxFor({ config }: Platform, { actor }: Standing): number {
  return limits.connections * (actor.kind === 'anonymous' ? config.rateLimitScale : 1);
}

async function codesOf(platform: Platform, standings: readonly Standing[]) {
  const now = platform.now();
  const ended = new Map<Standing, 'UNAUTHENTICATED' | 'NOT_FOUND'>();
  const sessions = standings.flatMap((standing) => {
    const { actor, organizationId } = standing;
    return actor.kind === 'user' ? [{ standing, sessionId: actor.sessionId, organizationId }] : [];
  });
  const keys = standings.flatMap((standing) => {
    const { actor } = standing;
    return actor.kind === 'apiKey' ? [{ standing, apiKeyId: actor.apiKeyId }] : [];
  });
  for (const { standing, isLive } of await endedSessions(platform, sessions))
    ended.set(standing, isLive ? 'NOT_FOUND' : 'UNAUTHENTICATED');
  for (const { standing } of await endedKeys(platform, keys)) ended.set(standing, 'UNAUTHENTICATED');
  for (const standing of standings)
    if (standing.expiresAt && standing.expiresAt <= now) ended.set(standing, 'UNAUTHENTICATED');
  return ended;
}
