import { z } from 'zod';

/** How Gatehouse is known at a provider. */
interface OAuthClient {
  readonly clientId: string;
  readonly clientSecret: string;
}

export interface GithubConfig extends OAuthClient {
  /** Where people sign in; its API, of GitHub Enterprise too. */
  readonly baseUrl: string;
  readonly apiUrl: string;
}

export interface OidcConfig extends OAuthClient {
  readonly id: string;
  readonly name: string;
  readonly issuer: string;
}

/** The providers that people may sign in with. */
export interface OAuthConfig {
  readonly github: GithubConfig | null;
  readonly oidc: readonly OidcConfig[];
}

const ownIds = ['github', 'google'];
const loopback = /^(localhost|127(\.\d+){3}|\[::1\])$/;

const providerUrl = z
  .string()
  .refine(isProviderUrl, 'must be an https URL without user, query or fragment; http is for loopback');

const oidcProvider = z.strictObject({
  id: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,31}$/, 'must be short, of a–z, 0–9 and -')
    .refine((id) => !ownIds.includes(id), 'is taken by a provider with variables of its own'),
  name: z.string().trim().min(1).max(60),
  issuer: providerUrl,
  clientId: z.string().min(1),
  clientSecret: z.string().min(1),
});

const oidcProviders = z.string().transform((text, context): OidcConfig[] => {
  const result = z.array(oidcProvider).safeParse(parseJson(text));
  for (const { path, message } of result.error?.issues ?? []) context.addIssue([...path, message].join(' '));
  const providers = result.data ?? [];
  if (new Set(providers.map(({ id }) => id)).size !== providers.length) context.addIssue('two providers share an id');
  return result.success ? providers : z.NEVER;
});

/** The variables of this file, as `config.ts` reads them. */
export const oauthVariables = {
  OAUTH_GITHUB_CLIENT_ID: z.string().optional(),
  OAUTH_GITHUB_CLIENT_SECRET: z.string().optional(),
  OAUTH_GITHUB_BASE_URL: providerUrl.transform(withoutSlash).optional(),
  OAUTH_GITHUB_API_URL: providerUrl.transform(withoutSlash).optional(),
  OAUTH_GOOGLE_CLIENT_ID: z.string().optional(),
  OAUTH_GOOGLE_CLIENT_SECRET: z.string().optional(),
  OIDC_PROVIDERS: oidcProviders.default([]),
};

type OAuthEnvironment = z.output<z.ZodObject<typeof oauthVariables>>;

export function oauthOf(env: OAuthEnvironment): OAuthConfig {
  const google = clientOf(env.OAUTH_GOOGLE_CLIENT_ID, env.OAUTH_GOOGLE_CLIENT_SECRET);
  const oidc = google ? [{ id: 'google', name: 'Google', issuer: 'https://accounts.google.com', ...google }] : [];
  return { github: githubOf(env), oidc: [...oidc, ...env.OIDC_PROVIDERS] };
}

/** Secrets and codes travel to these, so in production not in clear, not even on the same machine. */
export function insecureProviders(given: Readonly<Record<string, string | undefined>>): string[] {
  const issuers = oidcProviders.safeParse(given.OIDC_PROVIDERS ?? '[]').data ?? [];
  const urls: [name: string, url: string | undefined][] = [
    ['OAUTH_GITHUB_BASE_URL', given.OAUTH_GITHUB_BASE_URL],
    ['OAUTH_GITHUB_API_URL', given.OAUTH_GITHUB_API_URL],
    ...issuers.map(({ issuer }): [string, string] => ['OIDC_PROVIDERS', issuer]),
  ];
  return urls.filter(([, url]) => url && /^http:/i.test(url)).map(([name]) => `${name}: must be https in production`);
}

function githubOf(env: OAuthEnvironment): GithubConfig | null {
  const client = clientOf(env.OAUTH_GITHUB_CLIENT_ID, env.OAUTH_GITHUB_CLIENT_SECRET);
  const enterprise = env.OAUTH_GITHUB_BASE_URL;
  const apiUrl = env.OAUTH_GITHUB_API_URL ?? (enterprise ? `${enterprise}/api/v3` : 'https://api.github.com');
  return client && { ...client, baseUrl: enterprise ?? 'https://github.com', apiUrl };
}

/** Null unless both are set. */
function clientOf(clientId: string | undefined, clientSecret: string | undefined): OAuthClient | null {
  return clientId && clientSecret ? { clientId, clientSecret } : null;
}

function isProviderUrl(value: string): boolean {
  const url = URL.canParse(value) ? new URL(value) : null;
  if (!url || url.username || url.password || url.search || url.hash) return false;
  return url.protocol === 'https:' || (url.protocol === 'http:' && loopback.test(url.hostname));
}

function withoutSlash(url: string): string {
  return url.replace(/\/+$/, '');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
