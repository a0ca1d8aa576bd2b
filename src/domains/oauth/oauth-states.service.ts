import type { RequestCtx } from '../../context.ts';
import { OAuthFailed } from '../../errors.ts';
import { open, seal } from '../../platform/envelope.ts';
import type { AuthorizationRequest, AuthorizationSecrets } from '../../platform/identity-provider.ts';
import { placeIn } from '../../platform/sealed-columns.ts';
import { digestOf, newSecret, sameBytes } from '../../platform/tokens.ts';

const lifetimeSeconds = 600;
const sweepMax = 100;

/** What is kept on the server between the two halves of a sign-in (F10). */
export interface OAuthState extends AuthorizationSecrets {
  readonly linkSessionId: string | null;
}

/**
 * Keeps fresh secrets for one sign-in for ten minutes, and binds them to the provider and, by a cookie of their own, to the
 * browser. The row alone is worth nothing: it has digests, and the PKCE verifier encrypted.
 */
export async function keepState(
  ctx: RequestCtx,
  input: { provider: string; redirectUri: string; linkSessionId: string | null },
): Promise<AuthorizationRequest> {
  const { redirectUri } = input;
  const [state, browser, codeVerifier, nonce] = [newSecret(), newSecret(), newSecret(), newSecret()];
  const digest = digestOf(state);
  const expiresAt = new Date(ctx.now().getTime() + lifetimeSeconds * 1000);
  const sealed = seal(ctx.platform.keyring, placeOf(digest, input.provider), codeVerifier);
  ctx.cookies.set(cookieOf(digest), browser, lifetimeSeconds);
  await sweep(ctx);
  await ctx.db.oAuthState.create({
    data: { ...input, digest, browserDigest: digestOf(browser), codeVerifier: sealed, nonce, expiresAt },
  });
  return { state, redirectUri, codeVerifier, nonce };
}

/**
 * Takes what was kept: once, in time, for the provider and the browser that it was kept for. A stranger who shows it spoils
 * nothing.
 * @throws OAuthFailed
 */
export async function takeState(ctx: RequestCtx, input: { provider: string; state: string }): Promise<OAuthState> {
  const digest = digestOf(input.state);
  const cookie = cookieOf(digest);
  const row = await ctx.db.oAuthState.findUnique({ where: { digest, provider: input.provider } });
  if (!row || !sameBytes(row.browserDigest, digestOf(ctx.cookies.get(cookie) ?? ''))) throw new OAuthFailed();
  const { count } = await ctx.db.oAuthState.deleteMany({ where: { digest, expiresAt: { gt: ctx.now() } } });
  if (count === 0) throw new OAuthFailed();
  ctx.cookies.set(cookie, '', 0);
  const { redirectUri, nonce, linkSessionId } = row;
  const codeVerifier = open(ctx.platform.keyring, placeOf(digest, row.provider), row.codeVerifier);
  return { redirectUri, codeVerifier, nonce, linkSessionId };
}

/** Takes away what nobody came back for. Several at once share the work. */
async function sweep(ctx: RequestCtx): Promise<void> {
  await ctx.db.$executeRaw`
    DELETE FROM oauth_states WHERE digest IN (
      SELECT digest FROM oauth_states WHERE expires_at < ${ctx.now()} LIMIT ${sweepMax} FOR UPDATE SKIP LOCKED
    )`;
}

/** One for each sign-in, so that two tabs do not take each other's. */
function cookieOf(digest: Buffer): string {
  return `oauth-${digest.toString('hex', 0, 6)}`;
}

function placeOf(digest: Uint8Array, provider: string) {
  return placeIn('oauth_states.code_verifier', { rowId: Buffer.from(digest).toString('hex'), ownerId: provider });
}
