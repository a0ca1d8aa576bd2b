import { readFileSync } from 'node:fs';
import { buildSchema } from 'graphql';
import { exportJWK, generateKeyPair } from 'jose';
import { type HttpServer, startHttpServer } from '../../../src/edge/http.ts';
import { schema } from '../../../src/graphql/schema.ts';
import { decodeId } from '../../../src/platform/typeid.ts';
import { aKey, type KeyHolder } from '../api-keys.ts';
import { type CallerKind, callerKinds } from '../callers.ts';
import { aFile, anUpload, FileById, type OpenUpload } from '../files.ts';
import { callFor } from '../matrix-calls.ts';
import { targets } from '../matrix-targets.ts';
import { aChallengeFor, type SecondFactor, signInWithSecondFactor, withSecondFactor } from '../second-factor.ts';
import { Refresh } from '../session-operations.ts';
import { aMemberOf, aPerson, callerWith, type Person, type TestApp } from '../world.ts';

/** Stands in what an attacker sends; no answer may hold it. */
export const echo = 'q7echo7q';

/** OWASP API Security Top 10 (2023), and the chapters of OWASP's GraphQL cheat sheet that say more. */
export type Category =
  | 'API1 object level authorization'
  | 'API2 authentication'
  | 'API3 object property level authorization'
  | 'API4 resource consumption'
  | 'API5 function level authorization'
  | 'API6 sensitive business flows'
  | 'API7 server side request forgery'
  | 'API8 misconfiguration'
  | 'API9 inventory'
  | 'API10 consumption of other APIs'
  | 'GraphQL batching'
  | 'GraphQL denial of service'
  | 'GraphQL injection';

/** One thing that an attacker tries, and what they hear of it where all is well. */
export interface Attack {
  readonly category: Category;
  readonly name: string;
  readonly safe: unknown;
  /** Tables that change though nothing was gained: counters of tries, the audit log. All others must not. */
  readonly writes?: readonly string[];
  run(arena: Arena): Promise<unknown>;
}

/** A tenant with something of everything, and those who want it. */
export interface Arena {
  readonly app: TestApp;
  /** The same program as production has it: no introspection, no suggestions. */
  readonly strict: HttpServer;
  readonly owner: Person;
  readonly member: Person;
  readonly mallory: Person;
  readonly key: KeyHolder;
  readonly organizationId: string;
  readonly fileId: string;
  readonly downloadUrl: string;
  readonly upload: OpenUpload;
  /** Every mutation that takes an id of a tenant, each about a thing of the victim that is there. */
  readonly callsAboutVictim: readonly string[];
  readonly prey: Prey;
  /** All that attackers were told. */
  readonly heard: string[];
  ask(query: string, options?: AskOptions): Promise<string>;
  post(body: string | Uint8Array, headers?: Record<string, string>, url?: string): Promise<string>;
  /** Status and, where the answer has one, the code of it. */
  request(url: string, init?: RequestInit): Promise<string>;
}

/** People whose accounts are tried. */
export interface Prey {
  readonly guessed: Person;
  /** Their token was used once, longer ago than two tabs may need, for this successor. */
  readonly spent: Person & { readonly successor: string };
  readonly challenged: Person;
  readonly factor: SecondFactor;
  /** Of the challenged person. */
  readonly challenge: string;
}

export interface AskOptions {
  readonly as?: { readonly accessToken?: string; readonly secret?: string } | null;
  readonly variables?: unknown;
  readonly headers?: Record<string, string>;
  readonly url?: string;
}

export const signingKid = 'of-the-attacks';
const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
/** The program’s own, for tokens that it would not write itself. */
export const signingKey = privateKey;
export const signingKeys = JSON.stringify({ keys: [{ ...(await exportJWK(privateKey)), kid: signingKid }] });

export const sdl = buildSchema(readFileSync(new URL('../../../schema.graphql', import.meta.url), 'utf8'));

/** Builds the victim’s world in a running program. `close` ends what was started beside it. */
export async function anArena(app: TestApp): Promise<Arena & { close(): Promise<void> }> {
  const config = { ...app.platform.config, introspection: false, graphiql: false };
  const strict = await startHttpServer({ ...app.platform, config }, schema);
  const founder = await aPerson(app, { name: 'Olga' });
  const owner = await signInWithSecondFactor(app, founder, await withSecondFactor(app, founder));
  const [member, stranger] = [await aMemberOf(app, owner, { name: 'Mia' }), await aPerson(app, { name: 'Mallory' })];
  const mallory = await signInWithSecondFactor(app, stranger, await withSecondFactor(app, stranger));
  const fileId = await aFile(owner, { name: 'plans.txt', bytes: 'the plans of the victim' });
  return {
    app,
    strict,
    owner,
    member,
    mallory,
    key: await aKey(app, owner),
    prey: await thePrey(app),
    callsAboutVictim: await callsAbout(app, owner),
    organizationId: owner.organizationId,
    fileId,
    downloadUrl: await linkTo(owner, fileId),
    upload: await anUpload(owner, { size: 5 }),
    ...speech(app),
    close: strict.close,
  };
}

async function thePrey(app: TestApp): Promise<Prey> {
  const [guessed, victim, challenged] = [await aPerson(app), await aPerson(app), await aPerson(app)];
  const { data } = await callerWith(app).send(Refresh, { refreshToken: victim.refreshToken });
  const successor = data.refreshSession.__typename === 'SignedIn' ? (data.refreshSession.refreshToken ?? '') : '';
  const [where, rotatedAt] = [{ user: { email: victim.email } }, new Date(Date.now() - 16_000)];
  await app.platform.db.session.updateMany({ where, data: { rotatedAt } });
  const factor = await withSecondFactor(app, challenged);
  const challenge = await aChallengeFor(app, challenged);
  return { guessed, spent: { ...victim, successor }, challenged, factor, challenge };
}

/** Of no tenant are dead letters and accounts, and of a session its own person alone can speak. */
const ofNoTenant = [
  'lockUser',
  'unlockUser',
  'resolveDeadLetter',
  'retryDeadLetter',
  'uploadProgress',
  'revokeSession',
];
/** Nobody listens there. */
const receiverUrl = 'http://127.0.0.2:9/';

async function callsAbout(app: TestApp, owner: Person): Promise<string[]> {
  const { organizationId } = owner;
  const callers = Object.fromEntries(callerKinds.map((kind) => [kind, owner])) as Record<CallerKind, Person>;
  const cast = { organizationId, owner, callers };
  const setting = { app, cast, organizationId: uuidOf(organizationId), receiverUrl };
  const calls: string[] = [];
  for (const name of Object.keys(targets).filter((name) => !ofNoTenant.includes(name)))
    calls.push(await callFor(sdl, `Mutation.${name}`, setting));
  return calls;
}

async function linkTo(person: Person, id: string): Promise<string> {
  const { data } = await person.send(FileById, { id });
  return data.node && 'downloadUrl' in data.node ? data.node.downloadUrl : '';
}

function speech(app: TestApp): Pick<Arena, 'heard' | 'ask' | 'post' | 'request'> {
  const heard: string[] = [];
  const request: Arena['request'] = async (url, init = {}) => {
    const response = await fetch(url, init);
    const text = await response.text();
    heard.push(text, JSON.stringify([...response.headers]));
    return `${response.status} ${wordFor(text)}`.trim();
  };
  const post: Arena['post'] = (body, headers = {}, url = app.url) =>
    request(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json', ...headers },
      body: body as string,
    });
  const ask: Arena['ask'] = (query, { as, variables, headers, url } = {}) => {
    const token = as?.accessToken ?? as?.secret;
    return post(
      JSON.stringify({ query, variables }),
      { ...(token && { authorization: `Bearer ${token}` }), ...headers },
      url,
    );
  };
  return { heard, ask, post, request };
}

/** What an answer comes to in a word: the codes of its errors, or of a typed refusal; else the kind of what was given. */
function wordFor(text: string): string {
  const answer = jsonIn(text);
  if (answer?.code) return answer.code;
  if (answer?.errors) return [...new Set(answer.errors.map(({ extensions }) => extensions.code))].join('+');
  if (!answer?.data) return '';
  const [root] = Object.values(answer.data);
  if (root === null) return 'null';
  const { code, __typename } = (typeof root === 'object' ? root : {}) as { code?: string; __typename?: string };
  return code ?? __typename ?? 'ok';
}

interface AnyAnswer {
  readonly code?: string;
  readonly data?: Record<string, unknown>;
  readonly errors?: { readonly extensions: { readonly code: string } }[];
}

function jsonIn(text: string): AnyAnswer | null {
  try {
    return JSON.parse(text) as AnyAnswer;
  } catch {
    return null;
  }
}

/** Of the errors that a message of a socket brings, alone or in a result. */
export function codesOf(payload: unknown): string[] {
  const errors = Array.isArray(payload) ? payload : ((payload as AnyAnswer).errors ?? []);
  return (errors as { extensions: { code: string } }[]).map(({ extensions }) => extensions.code);
}

/** Distinct answers, in order of their first coming. */
export const kinds = (answers: readonly string[]): string[] => [...new Set(answers)].sort();

export const uuidOf = (organizationId: string): string => decodeId('Organization', organizationId) ?? '';

/** `count` parts side by side. */
export const times = (count: number, part: (n: number) => string): string =>
  Array.from({ length: count }, (_, n) => part(n)).join(' ');
