import { execFile } from 'node:child_process';
import fs from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { reasonOf, StartupError } from './startup-error.ts';

/** Whom PostgreSQL runs as when we are root, which it refuses to be. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

const stateFolder = '/var/lib/gatehouse';
const accountName = 'gatehouse';
const run = promisify(execFile);

/**
 * Whom PostgreSQL is to run as: null when it may run as we do, an account of its own when we are root.
 * @throws StartupError when root cannot make the account.
 */
export async function serverAccount(): Promise<Account | null> {
  if (process.getuid?.() !== 0) return null;
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
