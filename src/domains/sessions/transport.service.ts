import type { RequestCtx } from '../../context.ts';
import { SessionEnded } from '../../errors.ts';
import { refreshSession } from './refresh.service.ts';
import { readRefreshToken } from './refresh-tokens.ts';
import { logout, type SignedIn } from './sessions.service.ts';

/** How a client keeps its refresh token: by itself, or in a cookie that its scripts cannot read. */
export type SessionTransport = 'BEARER' | 'COOKIE';

const cookieName = 'refresh';

/**
 * Signs in, and hands the refresh token over as `transport` says.
 * @throws Forbidden, before anything is done, for COOKIE from a page that is not ours; BadUserInput on a socket
 */
export async function signInBy(
  ctx: RequestCtx,
  transport: SessionTransport,
  signIn: () => Promise<SignedIn>,
): Promise<SignedIn> {
  if (transport === 'BEARER') return signIn();
  ctx.cookies.demandKnownPage();
  return intoCookie(ctx, await signIn());
}

/**
 * Refreshes with the token given, else with the cookie's. The cookie goes when its session is over and never otherwise:
 * a tab that has lost a race must not take it from the one that won.
 * @throws SessionEnded, RefreshRaced, and what `signInBy` throws for COOKIE
 */
export async function refreshByTokenOrCookie(
  ctx: RequestCtx,
  input: { refreshToken?: string | null | undefined },
): Promise<SignedIn> {
  if (input.refreshToken != null) return refreshSession(ctx, { refreshToken: input.refreshToken });
  const refreshToken = ctx.cookies.get(cookieName);
  if (refreshToken === null) throw new SessionEnded();
  ctx.cookies.demandKnownPage();
  try {
    return intoCookie(ctx, await refreshSession(ctx, { refreshToken }));
  } catch (error) {
    if (error instanceof SessionEnded) ctx.cookies.set(cookieName, '', 0);
    throw error;
  }
}

/** Ends the caller's session, and takes the cookie that belongs to it. @throws SessionEnded */
export async function logoutWithCookie(ctx: RequestCtx): Promise<{ sessionId: string }> {
  const ended = await logout(ctx);
  dropCookieOf(ctx, ended);
  return ended;
}

/** Takes the cookie of a session that is over from the browser that asks, if it is the one it has. */
export function dropCookieOf(ctx: RequestCtx, { sessionId }: { sessionId: string }): void {
  const claims = readRefreshToken(ctx.platform.keyring, ctx.cookies.get(cookieName) ?? '');
  if (claims?.sessionId === sessionId) ctx.cookies.set(cookieName, '', 0);
}

function intoCookie(ctx: RequestCtx, signedIn: SignedIn): SignedIn {
  const leftMs = signedIn.sessionEndsAt.getTime() - ctx.now().getTime();
  ctx.cookies.set(cookieName, signedIn.refreshToken ?? '', Math.floor(leftMs / 1000));
  return { ...signedIn, refreshToken: null };
}
