import { createHash, randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { startLoopbackServer } from './loopback.ts';

export interface GithubPerson {
  readonly id: number;
  readonly name: string | null;
  readonly emails: readonly { email: string; primary: boolean; verified: boolean; visibility: string | null }[];
}

export interface GithubServer {
  readonly url: string;
  readonly apiUrl: string;
  /** By their login. */
  readonly people: Map<string, GithubPerson>;
  /** Every access token that it gave out. */
  readonly tokens: string[];
  close(): Promise<void>;
}

interface Grant {
  readonly login: string;
  readonly redirectUri: string;
  readonly challenge: string;
}

/**
 * A server on the loopback that behaves as GitHub does, where everyone is whom `login` says. Addresses are never public.
 * A code serves again and again, so that nobody but us stands in the way of a second sign-in.
 */
export async function startGithub(client: { id: string; secret: string }): Promise<GithubServer> {
  const people = new Map<string, GithubPerson>();
  const tokens = new Map<string, string>();
  const grants = new Map<string, Grant>();

  function authorize({ searchParams }: URL, response: ServerResponse): void {
    const given = (name: string) => searchParams.get(name) ?? '';
    const code = randomBytes(10).toString('hex');
    grants.set(code, { login: given('login'), redirectUri: given('redirect_uri'), challenge: given('code_challenge') });
    const iss = new URL('/login/oauth', server.url).href;
    const back = new URLSearchParams({ code, state: given('state'), iss });
    response.writeHead(302, { location: `${given('redirect_uri')}?${back}` }).end();
  }

  // Its refusals have status 200.
  async function trade(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const form = new URLSearchParams(await text(request));
    const grant = grants.get(form.get('code') ?? '');
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url');
    const isClient = form.get('client_id') === client.id && form.get('client_secret') === client.secret;
    const isGood = grant?.challenge === challenge && grant.redirectUri === form.get('redirect_uri');
    if (!isClient || !grant || !isGood) return json(response, { error: 'bad_verification_code' });
    const token = `gho_${randomBytes(20).toString('hex')}`;
    tokens.set(token, grant.login);
    json(response, { access_token: token, token_type: 'bearer', scope: 'read:user,user:email' });
  }

  function show(request: IncomingMessage, response: ServerResponse, path: string): void {
    const login = tokens.get(request.headers.authorization?.replace(/^Bearer /, '') ?? '') ?? '';
    const person = people.get(login);
    if (!person) response.writeHead(401).end('{"message":"Bad credentials"}');
    else if (path === '/user') json(response, { id: person.id, login, name: person.name, email: null });
    else json(response, person.emails);
  }

  const server = await startLoopbackServer((address) => (request, response) => {
    const url = new URL(request.url ?? '', address);
    if (url.pathname === '/login/oauth/authorize') authorize(url, response);
    else if (url.pathname === '/login/oauth/access_token') void trade(request, response);
    else if (/^\/api\/user(\/emails)?$/.test(url.pathname)) show(request, response, url.pathname.replace('/api', ''));
    else response.writeHead(404).end();
  });
  return {
    url: server.url,
    apiUrl: `${server.url}/api`,
    people,
    get tokens() {
      return [...tokens.keys()];
    },
    close: server.close,
  };
}

function json(response: ServerResponse, body: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
