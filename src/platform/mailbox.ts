import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { newId } from './typeid.ts';

/** A mail that was not sent but kept for the mailbox page of development. */
export interface KeptMail {
  /** A UUIDv7: a later mail has a greater one. */
  readonly id: string;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  /** ISO 8601. */
  readonly createdAt: string;
}

const keptMax = 500;
const fileName = /^[0-9a-f-]{36}\.json$/;

/** Where the mails of all processes on one data folder lie. Never in the database, since they hold tokens. */
export function mailboxFolder(dataDir: string): string {
  return path.join(dataDir, 'mailbox');
}

/** Adds a mail, readable by this user of the system alone, and drops all but the newest 500. */
export async function keepMail(folder: string, mail: Omit<KeptMail, 'id'>): Promise<void> {
  const id = newId();
  const unfinished = path.join(folder, `${id}.part`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(unfinished, JSON.stringify({ id, ...mail }), { mode: 0o600 });
  await rename(unfinished, path.join(folder, `${id}.json`));
  for (const old of (await mailFiles(folder)).slice(keptMax)) await rm(path.join(folder, old), { force: true });
}

/** All kept mails, newest first. */
export async function keptMails(folder: string): Promise<KeptMail[]> {
  const mails = await Promise.all((await mailFiles(folder)).map((file) => readMail(path.join(folder, file))));
  return mails.filter((mail) => mail !== null);
}

async function mailFiles(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(nullIfMissing);
  return (names ?? [])
    .filter((name) => fileName.test(name))
    .sort()
    .reverse();
}

/** Null when another process has dropped it in the meantime. */
async function readMail(file: string): Promise<KeptMail | null> {
  const content = await readFile(file, 'utf8').catch(nullIfMissing);
  return content === null ? null : (JSON.parse(content) as KeptMail);
}

function nullIfMissing(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null;
  throw error;
}
