import * as oauth from 'oauth4webapi';
import { z } from 'zod';
import type { GithubConfig } from '../oauth.config.ts';
import { type AuthorizationResponse, type IdentityProvider, providerTimeoutSeconds } from './identity-provider.ts';

const User = z.object({ id: z.int().positive(), login: z.string(), name: z.string().nullish() });
const Emails = z.array(z.object({ email: z.string(), primary: z.boolean(), verified: z.boolean() }));

/** GitHub: OAuth 2 without OpenID Connect, so the person is read from its API. */
export function createGithubProvider(config: GithubConfig): IdentityProvider {
  const { baseUrl, clientId } = config;
  const page = `${baseUrl}/login/oauth`;
  const server = { issuer: page, authorization_endpoint: `${page}/authorize`, token_endpoint: `${page}/access_token` };
  return {
    id: 'github',
    name: 'GitHub',
    async authorizationUrl({ redirectUri, state, codeVerifier }) {
      const parameters = new URLSearchParams({
        response_type: 'code',
        client_id: clientId,
        redirect_uri: redirectUri,
        scope: 'read:user user:email',
        state,
        code_challenge: await oauth.calculatePKCECodeChallenge(codeVerifier),
        code_challenge_method: 'S256',
      });
      return `${server.authorization_endpoint}?${parameters}`;
    },
    async identify(response) {
      const accessToken = await tradeCode(config, server, response);
      const user = User.parse(await ask(config, '/user', accessToken));
      const emails = Emails.parse(await ask(config, '/user/emails', accessToken));
      // The public address of `/user` may be hidden, and nobody need have confirmed it (F25).
      const primary = emails.find((candidate) => candidate.primary && candidate.verified);
      return {
        subject: String(user.id),
        email: primary?.email ?? null,
        emailVerified: primary !== undefined,
        name: user.name || user.login,
      };
    },
  };
}

async function tradeCode(
  config: GithubConfig,
  server: oauth.AuthorizationServer,
  { code, iss, redirectUri, codeVerifier }: AuthorizationResponse,
): Promise<string> {
  const client = { client_id: config.clientId };
  const parameters = new URLSearchParams({ code, ...(iss !== null && { iss }) });
  const response = await oauth.authorizationCodeGrantRequest(
    server,
    client,
    oauth.ClientSecretPost(config.clientSecret),
    oauth.validateAuthResponse(server, client, parameters, oauth.expectNoState),
    redirectUri,
    codeVerifier,
    requestOptions(config),
  );
  return (await oauth.processAuthorizationCodeResponse(server, client, response)).access_token;
}

async function ask(config: GithubConfig, path: string, accessToken: string): Promise<unknown> {
  const headers = new Headers({ accept: 'application/vnd.github+json', 'user-agent': 'Gatehouse' });
  const url = new URL(config.apiUrl + path);
  const response = await oauth.protectedResourceRequest(accessToken, 'GET', url, headers, null, requestOptions(config));
  if (!response.ok) throw new Error(`GET ${path} was answered with ${response.status}`);
  return response.json();
}

/** The configuration allows http on loopback alone, and never in production. */
function requestOptions({ baseUrl, apiUrl }: GithubConfig) {
  return {
    signal: AbortSignal.timeout(providerTimeoutSeconds * 1000),
    [oauth.allowInsecureRequests]: [baseUrl, apiUrl].some((url) => url.startsWith('http:')),
  };
}
