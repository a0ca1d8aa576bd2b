import { afterAll } from 'vitest';
import { graphql } from '../generated/gql.ts';
import { type GithubServer, startGithub } from './github.ts';
import { type OidcServer, startOidcProvider } from './oidc-provider.ts';
import { aTraveller, type Traveller } from './traveller.ts';
import { type Answer, anAddress, type Person, personWith, type TestApp, useApp } from './world.ts';

export const appUrl = 'https://app.example.com/portal';
export const page = `${appUrl}/signed-in`;

export const Begin = graphql(`
  mutation BeginOAuthLogin($input: BeginOAuthLoginInput!) {
    beginOAuthLogin(input: $input) {
      __typename
      ... on OAuthRedirect { authorizationUrl }
      ... on ValidationFailed { issues { path } }
      ... on Error { code message }
    }
  }
`);

export const Complete = graphql(`
  mutation CompleteOAuthLogin($input: CompleteOAuthLoginInput!) {
    completeOAuthLogin(input: $input) {
      __typename
      ... on SignedIn {
        accessToken
        refreshToken
        viewer {
          email
          emailVerified
          user { id name }
          activeOrganization { id viewerRole }
          session { id method mfaSatisfiedAt }
          identities { id provider email }
        }
      }
      ... on MfaChallenge { challengeToken }
      ... on Error { code message }
    }
  }
`);

export const Identities = graphql(`query Identities { viewer { identities { id provider email createdAt } } }`);

export type Provider = 'acme' | 'other' | 'github';

/** The program with three providers that it can reach. */
export interface OAuthWorld {
  readonly app: TestApp;
  readonly acme: OidcServer;
  readonly other: OidcServer;
  readonly github: GithubServer;
  /** Port of a provider, `late`, that is not there yet. */
  readonly latePort: number;
}

const client = { id: 'gatehouse', secret: 'a secret of the operator', redirectUri: page };
export const lateClient = { ...client, authentication: 'client_secret_basic' } as const;

/** Await it at the top of a test file. */
export async function useOAuthWorld(): Promise<OAuthWorld> {
  const acme = await startOidcProvider({ ...client, authentication: 'client_secret_basic' });
  const other = await startOidcProvider({ ...client, authentication: 'client_secret_post' });
  const github = await startGithub(client);
  const late = await startOidcProvider(lateClient);
  await late.close();
  const known = { clientId: client.id, clientSecret: client.secret };
  const app = useApp({
    PUBLIC_APP_URL: appUrl,
    OAUTH_GITHUB_CLIENT_ID: client.id,
    OAUTH_GITHUB_CLIENT_SECRET: client.secret,
    OAUTH_GITHUB_BASE_URL: github.url,
    OAUTH_GITHUB_API_URL: github.apiUrl,
    OIDC_PROVIDERS: JSON.stringify([
      { id: 'acme', name: 'Acme', issuer: acme.issuer, ...known },
      { id: 'other', name: 'Other', issuer: other.issuer, ...known },
      { id: 'late', name: 'Late', issuer: late.issuer, ...known },
    ]),
  });
  afterAll(() => Promise.all([acme.close(), other.close(), github.close()]));
  return { app, acme, other, github, latePort: Number(new URL(late.issuer).port) };
}

/** Somebody whom a provider knows; `verified` is what it says of the address. */
export function knownAt(
  world: OAuthWorld,
  provider: Provider,
  { email = anAddress('olive'), verified = true, name = 'Olive' } = {},
): { subject: string; email: string } {
  const subject = String(Math.floor(Math.random() * 1e12));
  if (provider !== 'github') world[provider].people.set(subject, { email, email_verified: verified, name });
  else {
    const emails = [
      { email: anAddress('old'), primary: false, verified: true, visibility: null },
      { email, primary: true, verified, visibility: 'private' },
    ];
    world.github.people.set(subject, { id: Number(subject), name, emails });
  }
  return { subject, email };
}

/** The first half: what the provider sends the browser back with. */
export async function goTo(
  browser: Traveller,
  provider: Provider | 'late',
  { subject, change = (url) => url }: { subject: string; change?: (url: string) => string },
): Promise<{ code: string; state: string; iss?: string }> {
  const { data, codes } = await browser.send(Begin, { input: { provider, redirectUri: page } });
  if (data?.beginOAuthLogin.__typename !== 'OAuthRedirect') throw new Error(`no redirect: ${codes}`);
  const url = new URL(change(data.beginOAuthLogin.authorizationUrl));
  url.searchParams.set(provider === 'github' ? 'login' : 'login_hint', subject);
  const { code = '', state = '', iss } = await browser.visit(url.href, page);
  return { code, state, ...(iss !== undefined && { iss }) };
}

/** Why the last sign-in with a provider failed, as the log tells it. */
export function lastReason({ app }: OAuthWorld): string {
  return String(app.logLines.findLast(({ msg }) => msg === 'a sign-in with a provider failed')?.reason);
}

type Completed = Answer<{ completeOAuthLogin: { __typename: string } }>;

/** Both halves, and what came of them. */
export async function signInWith(browser: Traveller, provider: Provider, { subject }: { subject: string }) {
  const back = await goTo(browser, provider, { subject });
  const { data } = await browser.send(Complete, { input: { provider, ...back } });
  return data.completeOAuthLogin;
}

/** Somebody who came by way of a provider and has no password. */
export async function aPersonFrom(world: OAuthWorld, provider: Provider): Promise<Person & { subject: string }> {
  const { subject, email } = knownAt(world, provider);
  const result = await signInWith(aTraveller(world.app), provider, { subject });
  if (result.__typename !== 'SignedIn') throw new Error(`no sign-in: ${result.__typename}`);
  return { ...personWith(world.app, result, { email, name: 'Olive' }), subject };
}

export function outcomes(answers: readonly Completed[]): string[] {
  return answers.map(({ data }) => data.completeOAuthLogin.__typename).sort();
}
