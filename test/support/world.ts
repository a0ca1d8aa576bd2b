import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { print } from 'graphql';
import { afterAll, beforeAll } from 'vitest';
import { type App, type AppRole, startApp } from '../../src/app.ts';
import { readConfig } from '../../src/config.ts';
import { createLogger } from '../../src/platform/log.ts';
import type { MailWaits } from '../../src/platform/mailer.ts';
import { graphql } from '../generated/gql.ts';
import { cloneDatabase } from './database.ts';
import { tokenIn, waitForMail } from './mailbox.ts';

/** The whole program on a database of its own, listening on a free port, with its log kept for reading. */
export interface TestApp {
  readonly url: string;
  readonly metricsUrl: string | null;
  readonly databaseUrl: string;
  readonly platform: App['platform'];
  readonly logLines: Record<string, unknown>[];
  close(): Promise<void>;
}

export const password = 'correct horse battery staple';

export interface TestAppOptions {
  /** A program whose database this one shares, as a second machine would, for the API alone: mails come to the first. */
  readonly beside?: Pick<TestApp, 'databaseUrl'>;
  readonly roles?: AppRole[];
  readonly timeFloorMs?: number;
  readonly mailWaits?: MailWaits;
}

/** Limits by origin are out of the way unless `environment` says otherwise. */
export async function startTestApp(
  environment: Record<string, string> = {},
  { beside, roles = beside ? ['api'] : ['api', 'worker'], timeFloorMs = 0, ...options }: TestAppOptions = {},
): Promise<TestApp> {
  const database = beside ? { url: beside.databaseUrl, drop: async () => undefined } : await cloneDatabase();
  const dataDir = await mkdtemp(path.join(tmpdir(), 'gatehouse-test-'));
  const defaults = { PORT: '0', DATA_DIR: dataDir, DATABASE_URL: database.url, RATE_LIMIT_SCALE: '1000' };
  const config = readConfig({ ...defaults, ...environment });
  const logLines: Record<string, unknown>[] = [];
  const log = createLogger('info', { write: (line) => void logLines.push(JSON.parse(line)) });
  const passwordCost = { memoryKiB: 1024, passes: 2 };
  const app = await startApp(config, { databaseUrl: database.url, roles, log, passwordCost, timeFloorMs, ...options });
  return {
    url: app.url ?? '',
    metricsUrl: app.metricsUrl,
    databaseUrl: database.url,
    platform: app.platform,
    logLines,
    async close() {
      await app.close();
      await database.drop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** Starts one program for a test file; call at its top, read the result inside tests. */
export function useApp(environment?: Record<string, string>): TestApp {
  let app: TestApp | undefined;
  beforeAll(async () => {
    app = await startTestApp(environment);
  });
  afterAll(() => app?.close());
  return new Proxy({} as TestApp, { get: (_target, key) => Reflect.get(app ?? {}, key) });
}

export interface Answer<Data> {
  readonly status: number;
  readonly data: Data;
  /** `extensions.code` of each entry of `errors`. */
  readonly codes: string[];
  readonly errors: { message: string; path?: (string | number)[]; extensions?: Record<string, unknown> }[];
  readonly headers: Headers;
}

/** One caller: nobody, or a person with an access token. */
export interface Caller {
  send<Data, Variables>(
    document: TypedDocumentNode<Data, Variables> | string,
    variables?: Variables,
    headers?: Record<string, string>,
  ): Promise<Answer<Data>>;
}

export function callerWith(app: { readonly url: string }, accessToken?: string): Caller {
  return {
    async send<Data, Variables>(
      document: TypedDocumentNode<Data, Variables> | string,
      variables?: Variables,
      headers: Record<string, string> = {},
    ) {
      const response = await fetch(`${app.url}/graphql`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/json',
          ...(accessToken && { authorization: `Bearer ${accessToken}` }),
          ...headers,
        },
        body: JSON.stringify({ query: typeof document === 'string' ? document : print(document), variables }),
      });
      const { data, errors = [] } = (await response.json()) as Pick<Answer<Data>, 'data'> & Partial<Answer<Data>>;
      const codes = errors.map((error) => String(error.extensions?.code));
      return { status: response.status, data, errors, codes, headers: response.headers };
    },
  };
}

export const Register = graphql(`
  mutation Register($input: RegisterInput!) {
    register(input: $input) {
      __typename
      ... on RegistrationPending { email }
      ... on ValidationFailed { issues { path message } }
      ... on Error { code message }
    }
  }
`);

export const VerifyEmail = graphql(`
  mutation VerifyEmail($token: String!) {
    verifyEmail(input: { token: $token }) {
      __typename
      ... on EmailVerified { email }
      ... on Error { code }
    }
  }
`);

export const Login = graphql(`
  mutation Login($input: LoginInput!) {
    login(input: $input) {
      __typename
      ... on SignedIn {
        accessToken
        accessTokenExpiresAt
        refreshToken
        viewer { id email user { id name } activeOrganization { id name viewerRole } session { id isCurrent } }
      }
      ... on MfaChallenge { challengeToken expiresAt methods }
      ... on Error { code message }
    }
  }
`);

export const InviteMember = graphql(`
  mutation InviteMember($input: InviteMemberInput!) {
    inviteMember(input: $input) {
      __typename
      ... on InvitationSent { invitation { id email role status expiresAt invitedBy { id } organization { id name } } }
      ... on ValidationFailed { issues { path message } }
      ... on Conflict { field }
      ... on Error { code message }
    }
  }
`);

export interface Person extends Caller {
  readonly id: string;
  readonly email: string;
  readonly name: string;
  readonly sessionId: string;
  readonly organizationId: string;
  readonly accessToken: string;
  readonly refreshToken: string;
}

/** An address that no other test has. */
export function anAddress(name = 'ada'): string {
  return `${name}-${randomUUID().slice(0, 8)}@example.com`;
}

/** Somebody who registered, confirmed the address from the mail, and signed in: owner of an organization of their own. */
export async function aPerson(
  app: TestApp,
  { name = 'Ada', email = anAddress(name.toLowerCase()) } = {},
): Promise<Person> {
  await callerWith(app).send(Register, { input: { email, password, name } });
  const mail = await waitForMail(app, { to: email });
  await callerWith(app).send(VerifyEmail, { token: tokenIn(mail) });
  return signIn(app, { email, name });
}

/** A further session of a person. */
export async function signIn(app: TestApp, { email, name = 'Ada' }: { email: string; name?: string }): Promise<Person> {
  const { data } = await callerWith(app).send(Login, { input: { email, password } });
  if (data.login.__typename !== 'SignedIn') throw new Error(`no sign-in for ${email}: ${data.login.__typename}`);
  return personWith(app, data.login, { email, name });
}

interface Tokens {
  readonly accessToken: string;
  readonly refreshToken?: string | null;
  readonly viewer: { user: { id: string }; session: { id: string }; activeOrganization?: { id: string } | null };
}

/** A person as whom the tokens of a `SignedIn` let one act. */
export function personWith(app: TestApp, tokens: Tokens, { email, name }: { email: string; name: string }): Person {
  const { accessToken, refreshToken, viewer } = tokens;
  return {
    ...callerWith(app, accessToken),
    id: viewer.user.id,
    email,
    name,
    sessionId: viewer.session.id,
    organizationId: viewer.activeOrganization?.id ?? '',
    accessToken,
    refreshToken: refreshToken ?? '',
  };
}

/** Somebody who joined an organization through a mailed invitation, registering with its token. */
export async function aMemberOf(
  app: TestApp,
  inviter: Person,
  { role = 'MEMBER', name = 'Grace' }: { role?: 'OWNER' | 'ADMIN' | 'MEMBER'; name?: string } = {},
): Promise<Person> {
  const email = anAddress(name.toLowerCase());
  await inviter.send(InviteMember, { input: { organizationId: inviter.organizationId, email, role } });
  const invitationToken = tokenIn(await waitForMail(app, { to: email }));
  await callerWith(app).send(Register, { input: { email, password, name, invitationToken } });
  return signIn(app, { email, name });
}
