/** What a provider vouches for. */
export interface ProvenPerson {
  /** The person's id there: the only thing that never changes. */
  readonly subject: string;
  readonly email: string | null;
  /** Whether the provider itself has confirmed the address. */
  readonly emailVerified: boolean;
  readonly name: string | null;
}

/** The secrets of one sign-in that both its halves need. */
export interface AuthorizationSecrets {
  readonly redirectUri: string;
  readonly codeVerifier: string;
  readonly nonce: string;
}

export interface AuthorizationRequest extends AuthorizationSecrets {
  readonly state: string;
}

export interface AuthorizationResponse extends AuthorizationSecrets {
  readonly code: string;
  /** RFC 9207; null when the redirect had none. */
  readonly iss: string | null;
}

/** Another party that people may sign in with. Each of its HTTP requests ends within five seconds. */
export interface IdentityProvider {
  readonly id: string;
  readonly name: string;
  /** Where the browser goes. @throws when the provider cannot be asked */
  authorizationUrl(request: AuthorizationRequest): Promise<string>;
  /** Trades the code and keeps none of the tokens. @throws for anything that is not in order */
  identify(response: AuthorizationResponse): Promise<ProvenPerson>;
}

export const providerTimeoutSeconds = 5;

/** The chain of causes for the log. Libraries hang whole answers with tokens onto their errors; of those only a code is kept. */
export function failureOf(error: unknown): string {
  if (!(error instanceof Error)) return 'no error';
  const { code, error: oauthCode } = error as Error & { code?: unknown; error?: unknown };
  const known = typeof oauthCode === 'string' && /^[a-z_]{1,40}$/.test(oauthCode) ? ` (${oauthCode})` : '';
  // What JSON.parse complains about begins with what it was given.
  const message = error instanceof SyntaxError ? 'not JSON' : error.message;
  const own = `${typeof code === 'string' ? code : error.name}: ${message}${known}`;
  return error.cause instanceof Error ? `${own} ← ${failureOf(error.cause)}` : own;
}
