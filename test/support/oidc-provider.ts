import { generateKeyPairSync } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Adapter, type AdapterPayload, type JWK, Provider } from 'oidc-provider';
import { startLoopbackServer } from './loopback.ts';

/** What the provider knows of a person. */
export interface Claims {
  readonly email?: string;
  readonly email_verified?: boolean;
  readonly name?: string;
}

export interface OidcServer {
  readonly issuer: string;
  /** By their subject, which is also what `login_hint` names. */
  readonly people: Map<string, Claims>;
  /** Every access and ID token that it gave out. */
  readonly tokens: string[];
  /** Faults on wish: a token endpoint that never answers, keys that nobody signed with. */
  readonly faults: { tokenEndpointHangs: boolean; showsOtherKeys: boolean };
  close(): Promise<void>;
}

interface Client {
  readonly id: string;
  readonly secret: string;
  readonly redirectUri: string;
  readonly authentication: 'client_secret_basic' | 'client_secret_post';
}

/** A certified OpenID Connect provider on the loopback, where everyone is whom `login_hint` says and agrees to everything. */
export async function startOidcProvider(client: Client, port = 0): Promise<OidcServer> {
  const people = new Map<string, Claims>();
  const tokens: string[] = [];
  const faults = { tokenEndpointHangs: false, showsOtherKeys: false };
  const server = await startLoopbackServer((issuer) => {
    const provider = createProvider(issuer, client, people);
    const answer = provider.callback();
    provider.on('grant.success', ({ body }) => {
      const { access_token, id_token } = body as Record<string, string>;
      tokens.push(...[access_token, id_token].filter((token) => token !== undefined));
    });
    return (request, response) => {
      const path = new URL(request.url ?? '', issuer).pathname;
      if (path === '/token' && faults.tokenEndpointHangs) return;
      // As strict as some are about how a client was registered, which this one is not.
      const isOtherWay =
        client.authentication === 'client_secret_post' && request.headers.authorization?.startsWith('Basic ');
      if (path === '/token' && isOtherWay) refuse(response);
      else if (path === '/jwks' && faults.showsOtherKeys) response.end(JSON.stringify({ keys: [aKey()] }));
      else if (path.startsWith('/interaction/'))
        agree(provider, request, response).catch((error) => response.destroy(error));
      else void answer(request, response);
    };
  }, port);
  return { issuer: server.url, people, tokens, faults, close: server.close };
}

function createProvider(issuer: string, client: Client, people: Map<string, Claims>): Provider {
  return new Provider(issuer, {
    adapter: memory(),
    clients: [
      {
        client_id: client.id,
        client_secret: client.secret,
        redirect_uris: [client.redirectUri],
        token_endpoint_auth_method: client.authentication,
      },
    ],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ sub, ...people.get(sub) }) }),
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_ctx, { uid }) => `/interaction/${uid}` },
    cookies: { keys: ['only for tests'] },
    jwks: { keys: [aKey()] },
    pkce: { required: () => true },
    ttl: { AccessToken: 600, AuthorizationCode: 60, Grant: 600, IdToken: 600, Interaction: 600, Session: 600 },
  });
}

/** Where it keeps what it knows. Nothing gets old in the life of a test. */
function memory(): (model: string) => Adapter {
  const rows = new Map<string, AdapterPayload>();
  return (model) => ({
    upsert: async (id, payload) => void rows.set(`${model} ${id}`, payload),
    find: async (id) => rows.get(`${model} ${id}`),
    findByUid: async (uid) => [...rows].find(([key, row]) => key.startsWith(`${model} `) && row.uid === uid)?.[1],
    findByUserCode: async () => undefined,
    consume: async (id) => void Object.assign(rows.get(`${model} ${id}`) ?? {}, { consumed: Date.now() / 1000 }),
    destroy: async (id) => void rows.delete(`${model} ${id}`),
    async revokeByGrantId(grantId) {
      for (const [key, row] of rows) if (row.grantId === grantId) rows.delete(key);
    },
  });
}

function refuse(response: ServerResponse): void {
  response.writeHead(401, { 'content-type': 'application/json', 'www-authenticate': 'Basic realm="tokens"' });
  response.end('{"error":"invalid_client"}');
}

/** Answers whatever the provider asks its person. */
async function agree(provider: Provider, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { prompt, params, session } = await provider.interactionDetails(request, response);
  if (prompt.name === 'login') {
    const login = { accountId: String(params.login_hint) };
    return provider.interactionFinished(request, response, { login });
  }
  const grant = new provider.Grant({ accountId: session?.accountId, clientId: String(params.client_id) });
  grant.addOIDCScope(String(params.scope));
  await provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } });
}

function aKey(): JWK {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256' } as JWK;
}
