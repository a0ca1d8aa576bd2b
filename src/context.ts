import type { Db, RootDb } from './platform/db.ts';
import type { Logger } from './platform/log.ts';
import type { Platform } from './platform/platform.ts';

/** What somebody is in an organization, and whether it wants a second factor of them. */
export interface Seat {
  readonly role: 'OWNER' | 'ADMIN' | 'MEMBER';
  readonly requiresMfa: boolean;
}

/** A signed-in person, as the live session row tells it at this request. */
export interface UserActor {
  readonly kind: 'user';
  readonly userId: string;
  readonly sessionId: string;
  readonly email: string;
  readonly isSuperuser: boolean;
  readonly authenticatedAt: Date;
  readonly mfaSatisfiedAt: Date | null;
  /** The organization that this request acts in (F06), and what the caller is there. */
  readonly activeMembership: (Seat & { readonly organizationId: string }) | null;
}

/** A program with an API key: it acts in one organization, within its scopes and the live role of the person behind it. */
export interface ApiKeyActor {
  readonly kind: 'apiKey';
  readonly apiKeyId: string;
  readonly organizationId: string;
  readonly createdById: string;
  /** The creator's, but never more than ADMIN. */
  readonly role: Exclude<Seat['role'], 'OWNER'>;
  /** What is left of the key's scopes in that role. */
  readonly scopes: readonly string[];
}

export type Actor = { readonly kind: 'anonymous' } | { readonly kind: 'system' } | UserActor | ApiKeyActor;

/** Where a call comes from; all null for jobs. */
export interface Origin {
  readonly requestId: string | null;
  readonly ipAddress: string | null;
  readonly userAgent: string | null;
}

/**
 * Who is acting, when, from where, and on which connection: the first argument of every service and its only door to
 * the database and the outside.
 */
export interface Ctx {
  readonly db: Db;
  readonly actor: Actor;
  readonly now: () => Date;
  readonly log: Logger;
  readonly origin: Origin;
  readonly platform: Platform;
  /** The job whose attempt this is; its id is the same at each attempt. */
  readonly job?: { readonly id: string };
  /** Inside `transact`: what is to happen once it has committed (see `afterCommit`). */
  readonly commitHooks?: (() => void)[];
}

/** The cookies of one HTTP request and its answer: always `__Host-`, HttpOnly, Secure, SameSite=Lax, Path=/. */
export interface Cookies {
  /** By its name without `__Host-`. */
  get(name: string): string | null;
  /** @throws BadUserInput where an answer cannot carry cookies (WebSocket) */
  set(name: string, value: string, maxAgeSeconds: number): void;
  /**
   * Call it before anything is done for a session in a cookie: browsers add cookies also to what other sites make them send.
   * @throws Forbidden unless `Origin` is there and names a page of the app or our own; BadUserInput as `set`
   */
  demandKnownPage(): void;
}

/** What the edge makes for each request or socket operation. Signing in and choosing an organization replace its actor. */
export interface RequestCtx extends Omit<Ctx, 'actor'> {
  actor: Actor;
  readonly db: RootDb;
  readonly origin: Origin & { readonly requestId: string };
  readonly cookies: Cookies;
}

const nowhere: Origin = { requestId: null, ipAddress: null, userAgent: null };

/** The context of what nobody asked for: jobs, commands, schedules. */
export function systemCtx(platform: Platform, log: Logger = platform.log): Ctx & { readonly db: RootDb } {
  return { db: platform.db, actor: { kind: 'system' }, now: platform.now, log, origin: nowhere, platform };
}
