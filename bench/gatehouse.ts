import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';

/** A program of its own process, so that its CPU and memory are its own. */
export interface Measured {
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
}

export interface MeasuredGatehouse extends Measured {
  readonly databaseUrl: string;
}

const root = path.resolve(import.meta.dirname, '..');

/** The whole program on an embedded database, in a folder that is removed with it. */
export async function startGatehouse(environment: Record<string, string> = {}): Promise<MeasuredGatehouse> {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'gatehouse-bench-'));
  const env = { PORT: '0', DATA_DIR: dataDir, LOG_LEVEL: 'info', RATE_LIMIT_SCALE: '100000', ...environment };
  const program = await startProcess('src/main.ts', env);
  const databaseUrl = execFileSync(process.execPath, ['src/commands/database-url.ts'], { cwd: root, env });
  return {
    ...program,
    databaseUrl: databaseUrl.toString().trim(),
    async stop() {
      await program.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** Starts a file that says `{"msg":"ready","url":…}` on a line of its own. */
export async function startProcess(
  file: string,
  env: Record<string, string>,
  args: readonly string[] = [],
): Promise<Measured> {
  const child = spawn(process.execPath, [file, ...args], { cwd: root, env, stdio: ['ignore', 'pipe', 'ignore'] });
  const url = await readyUrl(child);
  return {
    url,
    pid: child.pid ?? 0,
    async stop() {
      const exit = once(child, 'exit');
      child.kill('SIGTERM');
      await exit;
    },
  };
}

async function readyUrl(child: ChildProcess): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  child.once('exit', (code) => reject(new Error(`It ended with ${code} before it was ready.`)));
  // Read to the end, since a full pipe would stop the program.
  createInterface({ input: child.stdout as NonNullable<typeof child.stdout> }).on('line', (line) => {
    if (line.includes('"msg":"ready"')) resolve((JSON.parse(line) as { url: string }).url);
  });
  return promise;
}

/** Resident memory of a process, in bytes. */
export async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

/** What Linux says of a process after its name, from its state on. */
async function statOf(pid: number | string): Promise<string[]> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

/** CPU time that the living threads of a process have used so far, in milliseconds, to the nanosecond. */
export async function cpuMs(pid: number | string): Promise<number> {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
  const used = threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').catch(() => '0'));
  return (await Promise.all(used)).reduce((sum, text) => sum + Number(text.split(' ')[0]) / 1e6, 0);
}

/** The process that started a process. */
export async function parentOf(pid: number | string): Promise<number> {
  return Number((await statOf(pid))[1]);
}

/** CPU time of the living children of a process, in milliseconds. */
export async function childrenCpuMs(pid: number): Promise<number> {
  let sum = 0;
  for (const entry of await readdir('/proc')) {
    if (/^\d+$/.test(entry) && (await parentOf(entry)) === pid) sum += await cpuMs(entry);
  }
  return sum;
}

/** @throws when the API refuses */
export async function ask<Data>(
  url: string,
  query: string,
  { variables, token }: { variables?: object; token?: string } = {},
): Promise<Data> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = (await response.json()) as { data: Data; errors?: { message: string }[] };
  if (errors) throw new Error(errors.map(({ message }) => message).join('; '));
  return data;
}

export interface SignedIn {
  readonly token: string;
  readonly email: string;
  readonly organizationId: string;
}

/** Somebody new, through the mailbox page; by an invitation when it has a token. */
export async function aPerson(url: string, email: string, invitationToken?: string): Promise<SignedIn> {
  const input = { email, name: 'Ada', password: 'correct horse battery staple', invitationToken };
  const register = 'mutation ($input: RegisterInput!) { register(input: $input) { __typename } }';
  await ask(url, register, { variables: { input } });
  if (!invitationToken) {
    const token = await mailedToken(url, email);
    const verify = 'mutation ($token: String!) { verifyEmail(input: { token: $token }) { __typename } }';
    await ask(url, verify, { variables: { token } });
  }
  return signIn(url, email);
}

export async function signIn(url: string, email: string): Promise<SignedIn> {
  const query = `mutation ($input: LoginInput!) { login(input: $input) { ... on SignedIn {
    accessToken viewer { activeOrganization { id } } } } }`;
  const variables = { input: { email, password: 'correct horse battery staple' } };
  type Login = { login: { accessToken: string; viewer: { activeOrganization: { id: string } } } };
  const { login } = await ask<Login>(url, query, { variables });
  return { email, token: login.accessToken, organizationId: login.viewer.activeOrganization.id };
}

/** The token in the newest mail to somebody. */
export async function mailedToken(url: string, email: string): Promise<string> {
  for (;;) {
    const mails = (await (await fetch(`${url}/dev/mailbox.json`)).json()) as { to: string; text: string }[];
    const token = /token=([\w-]+)/.exec(mails.find(({ to }) => to === email)?.text ?? '')?.[1];
    if (token) return token;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
