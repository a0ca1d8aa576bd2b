import type { RequestCtx } from '../../context.ts';
import { OAuthFailed, ValidationFailed } from '../../errors.ts';
import { failureOf, type IdentityProvider } from '../../platform/identity-provider.ts';
import { limit, networkOf } from '../../platform/rate-limit.ts';
import { requireReauthenticated } from '../members/members.access.ts';
import { findLiveSession } from '../sessions/live-session.ts';
import { completeSignIn, type SignedIn } from '../sessions/sessions.service.ts';
import { personBehind } from './identities.service.ts';
import { keepState, takeState } from './oauth-states.service.ts';
import { parseRedirectUri } from './redirect-uri.ts';

/**
 * Where the browser goes to sign in with a provider. For a signed-in person it is to link a further way in.
 * @throws ValidationFailed, OAuthFailed when the provider cannot be asked, ReauthenticationRequired, RateLimited
 */
export async function beginOAuthLogin(
  ctx: RequestCtx,
  input: { provider: string; redirectUri: string },
): Promise<{ authorizationUrl: string }> {
  const provider = ctx.platform.identityProviders.get(input.provider);
  const redirectUri = parseRedirectUri(ctx.platform.config.publicAppUrl, input.redirectUri);
  if (!provider || !redirectUri) {
    throw new ValidationFailed([
      ...(provider ? [] : [{ path: ['provider'], message: 'Choose one of `oauthProviders`.' }]),
      ...(redirectUri ? [] : [{ path: ['redirectUri'], message: 'This must be a page of the app, without query.' }]),
    ]);
  }
  await limit(ctx, { name: 'oauthByOrigin', key: networkOf(ctx) });
  const linkSessionId = linkingSession(ctx);
  const request = await keepState(ctx, { provider: provider.id, redirectUri, linkSessionId });
  const authorizationUrl = await asking(ctx, provider, () => provider.authorizationUrl(request));
  return { authorizationUrl };
}

/**
 * Signs in the person whom the provider vouches for, in the browser that began, through the same gate as everyone.
 * @throws OAuthFailed, and what `completeSignIn` throws
 */
export async function completeOAuthLogin(
  ctx: RequestCtx,
  input: { provider: string; code: string; state: string; iss?: string | null | undefined },
): Promise<SignedIn> {
  const provider = ctx.platform.identityProviders.get(input.provider);
  if (!provider) throw new OAuthFailed();
  const { linkSessionId, ...secrets } = await takeState(ctx, { provider: provider.id, state: input.state });
  const { code, iss = null } = input;
  const proven = await asking(ctx, provider, () => provider.identify({ ...secrets, code, iss }));
  const linkTo = linkSessionId && (await ownerOf(ctx, linkSessionId));
  const user = await personBehind(ctx, { ...proven, provider: provider.id, linkTo });
  return completeSignIn(ctx, { user, method: 'OAUTH' });
}

/** @throws ReauthenticationRequired */
function linkingSession(ctx: RequestCtx): string | null {
  if (ctx.actor.kind !== 'user') return null;
  requireReauthenticated(ctx);
  return ctx.actor.sessionId;
}

/** Whose session it is. @throws OAuthFailed when it was ended meanwhile: what it began must not outlive it */
async function ownerOf(ctx: RequestCtx, sessionId: string): Promise<string> {
  const live = await findLiveSession(ctx.platform, { sessionId, organizationId: null });
  if (!live) throw new OAuthFailed('The session that began this is over. Sign in and try again.');
  return live.userId;
}

/** Whatever goes wrong with the provider is the same to its caller; the log tells it apart. */
async function asking<T>(ctx: RequestCtx, provider: IdentityProvider, question: () => Promise<T>): Promise<T> {
  try {
    return await question();
  } catch (error) {
    ctx.log.warn({ provider: provider.id, reason: failureOf(error) }, 'a sign-in with a provider failed');
    throw new OAuthFailed();
  }
}
