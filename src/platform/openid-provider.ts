import * as openid from 'openid-client';
import type { OidcConfig } from '../oauth.config.ts';
import { type AuthorizationResponse, type IdentityProvider, providerTimeoutSeconds } from './identity-provider.ts';

const metadataLifetimeMs = 3_600_000;
const clockToleranceSeconds = 30;

/** Google, Keycloak and any other provider of OpenID Connect. It is discovered when it is first needed. */
export function createOpenidProvider(config: OidcConfig): IdentityProvider {
  // The standard way to send the secret, then the other one: providers know both and insist on what a client was registered with.
  const standard = remember(() => discover(config, openid.ClientSecretBasic));
  const other = remember(() => discover(config, openid.ClientSecretPost));
  return {
    id: config.id,
    name: config.name,
    async authorizationUrl({ redirectUri, state, nonce, codeVerifier }) {
      const url = openid.buildAuthorizationUrl(await standard(), {
        redirect_uri: redirectUri,
        scope: 'openid email profile',
        state,
        nonce,
        code_challenge: await openid.calculatePKCECodeChallenge(codeVerifier),
        code_challenge_method: 'S256',
      });
      return url.href;
    },
    async identify(response) {
      try {
        return await identifyBy(await standard(), response);
      } catch (error) {
        if (!isRefusedClient(error)) throw error;
        return identifyBy(await other(), response);
      }
    },
  };
}

function discover(
  { issuer, clientId, clientSecret }: OidcConfig,
  authentication: (secret: string) => openid.ClientAuth,
): Promise<openid.Configuration> {
  const metadata = { client_secret: clientSecret, [openid.clockTolerance]: clockToleranceSeconds };
  const isInsecure = issuer.startsWith('http:');
  return openid.discovery(new URL(issuer), clientId, metadata, authentication(clientSecret), {
    timeout: providerTimeoutSeconds,
    // The configuration allows http on loopback alone, and never in production.
    execute: [openid.enableNonRepudiationChecks, ...(isInsecure ? [openid.allowInsecureRequests] : [])],
  });
}

/** Checks `iss`, then the ID token: signature, issuer, audience, times and nonce. */
async function identifyBy(
  connection: openid.Configuration,
  { code, iss, redirectUri, codeVerifier, nonce }: AuthorizationResponse,
) {
  const url = new URL(redirectUri);
  url.search = String(new URLSearchParams({ code, ...(iss !== null && { iss }) }));
  const checks = { pkceCodeVerifier: codeVerifier, expectedNonce: nonce };
  const tokens = await openid.authorizationCodeGrant(connection, url, checks);
  const claims = tokens.claims();
  if (!claims) throw new Error('there is no ID token');
  const hasMore = claims.email === undefined && connection.serverMetadata().userinfo_endpoint !== undefined;
  // Address and confirmation are taken from the same answer.
  const { email, email_verified, name } = hasMore
    ? await openid.fetchUserInfo(connection, tokens.access_token, claims.sub)
    : claims;
  return {
    subject: claims.sub,
    email: typeof email === 'string' ? email : null,
    emailVerified: email_verified === true,
    name: typeof name === 'string' ? name : null,
  };
}

function isRefusedClient(error: unknown): boolean {
  const { status, error: code } = error as { status?: unknown; error?: unknown };
  return status === 401 || code === 'invalid_client';
}

/** Keeps what was found for an hour and asks once for all who wait. A failure is not kept: the next one asks again. */
function remember<T>(find: () => Promise<T>): () => Promise<T> {
  let kept: { readonly found: Promise<T>; readonly untilMs: number } | null = null;
  return () => {
    if (kept && performance.now() < kept.untilMs) return kept.found;
    const fresh = { found: find(), untilMs: performance.now() + metadataLifetimeMs };
    fresh.found.catch(() => {
      if (kept === fresh) kept = null;
    });
    kept = fresh;
    return fresh.found;
  };
}
