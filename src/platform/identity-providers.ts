import type { OAuthConfig } from '../oauth.config.ts';
import { createGithubProvider } from './github-provider.ts';
import type { IdentityProvider } from './identity-provider.ts';
import { createOpenidProvider } from './openid-provider.ts';

/** The providers of the configuration by id, in the order in which they are offered. */
export function createIdentityProviders({ github, oidc }: OAuthConfig): ReadonlyMap<string, IdentityProvider> {
  const providers = [...(github ? [createGithubProvider(github)] : []), ...oidc.map(createOpenidProvider)];
  return new Map(providers.map((provider) => [provider.id, provider]));
}
