import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';
import type { Logger } from './log.ts';
import { type Account, isOpenToOthers, openStateFolder } from './postgres-account.ts';
import { endOf, type PostgresPrograms, spawnPostgres } from './postgres-programs.ts';
import { reasonOf, StartupError } from './startup-error.ts';

export const serverUser = 'gatehouse';

export interface ClusterPlan {
  readonly dataDir: string;
  readonly programs: PostgresPrograms;
  readonly log: Logger;
  /** Leaves out what protects against a power cut. */
  readonly fast: boolean;
}

const passwordFile = 'gatehouse-password';
const draftName = /^\.postgres-[0-9a-f-]{36}(\.password)?$/;

/** The real path of PostgreSQL's own folder in `dataDir`; null when there is none yet. */
export async function findCluster(dataDir: string): Promise<string | null> {
  const link = path.join(dataDir, 'postgres');
  return existsSync(path.join(link, 'PG_VERSION')) ? fs.realpath(link) : null;
}

/** The password of the only account in the database. */
export async function readPassword(folder: string): Promise<string> {
  return (await fs.readFile(path.join(folder, passwordFile), 'utf8')).trim();
}

/**
 * PostgreSQL's own folder in `plan.dataDir`, made at the first start. It appears whole or not at all, and only once
 * when two programs make it at the same moment.
 * @throws StartupError when PostgreSQL cannot make it.
 */
export async function openCluster(plan: ClusterPlan): Promise<string> {
  const { dataDir, programs, log } = plan;
  const isReachable = programs.account === null || (await letThrough(programs.account, dataDir));
  if (!(await findCluster(dataDir))) await (isReachable ? makeInside(plan) : makeElsewhere(plan));
  const folder = await findCluster(dataDir);
  if (!folder)
    throw new StartupError(`${path.join(dataDir, 'postgres')} is not a database. Move it away and start again.`);
  if (path.dirname(folder) !== (await fs.realpath(dataDir)))
    log.warn({ folder }, 'the database is kept outside the data folder, which PostgreSQL cannot reach');
  return folder;
}

/** Removes what first starts that were killed have left in `dataDir`. Only its owner may. */
export async function sweepDrafts(dataDir: string): Promise<void> {
  const drafts = (await fs.readdir(dataDir)).filter((name) => draftName.test(name));
  await Promise.allSettled(drafts.map((name) => discard(path.join(dataDir, name))));
}

/** Lets the account pass through the data folder, without seeing what is in it; false when a folder above bars the way. */
async function letThrough(account: Account, dataDir: string): Promise<boolean> {
  const folder = await fs.realpath(dataDir);
  if (await isOpenToOthers(folder)) return true;
  if (!(await isOpenToOthers(path.dirname(folder)))) return false;
  const { uid, mode } = await fs.stat(folder);
  await fs.chown(folder, uid, account.gid);
  await fs.chmod(folder, mode | 0o010);
  return true;
}

async function makeInside(plan: ClusterPlan): Promise<void> {
  const draft = path.join(plan.dataDir, `.postgres-${randomUUID()}`);
  await initialise(plan, draft);
  await fs.rename(draft, path.join(plan.dataDir, 'postgres')).catch(() => discard(draft));
}

async function makeElsewhere(plan: ClusterPlan): Promise<void> {
  const folder = path.join(await openStateFolder(), `data-${randomUUID()}`);
  await initialise(plan, folder);
  await fs.symlink(folder, path.join(plan.dataDir, 'postgres')).catch(() => discard(folder));
}

// Another program was quicker.
async function discard(folder: string): Promise<void> {
  await fs.rm(folder, { recursive: true, force: true });
}

async function initialise(plan: ClusterPlan, folder: string): Promise<void> {
  const { account, initdb } = plan.programs;
  const password = `${folder}.password`;
  try {
    await fs.mkdir(folder, { mode: 0o700 });
    await fs.writeFile(password, `${randomBytes(24).toString('hex')}\n`, { mode: 0o600 });
    if (account) await Promise.all([folder, password].map((file) => fs.chown(file, account.uid, account.gid)));
    await endOf(spawnPostgres(initdb, initdbFlags(folder, password, plan.fast), { account, folder }));
    await fs.rename(password, path.join(folder, passwordFile));
  } catch (error) {
    await Promise.all([discard(folder), discard(password)]);
    if (await findCluster(plan.dataDir)) return;
    throw new StartupError(`PostgreSQL cannot make its database in ${plan.dataDir}: ${reasonOf(error)}`);
  }
}

function initdbFlags(folder: string, password: string, fast: boolean): string[] {
  return [
    `--pgdata=${folder}`,
    `--username=${serverUser}`,
    `--pwfile=${password}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--locale=C',
    '--no-instructions',
    ...(fast ? ['--no-sync'] : []),
  ];
}
