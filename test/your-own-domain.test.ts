/**
 * Does what docs/your-own-domain.md says, line by line, in a copy of the project: writes its files, applies its changes, runs
 * its commands, then starts the program and calls the new fields.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cloneDatabase } from './support/database.ts';
import { endPrograms, runProgram } from './support/program.ts';
import { copyProject } from './support/project-copy.ts';
import { textOf } from './support/sources.ts';
import { aMemberOf, aPerson, callerWith, type Person, type TestApp } from './support/world.ts';

const run = promisify(execFile);
const page = 'docs/your-own-domain.md';

/** A fenced block: what kind it is, and the file that it is about. */
interface Block {
  readonly kind: string;
  readonly file: string;
  readonly text: string;
}

const blocks: Block[] = [...textOf(page).matchAll(/^```(\w+)(?: (\S+))?\n(.*?)^```/gms)].map(
  ([, kind = '', file = '', text = '']) => ({ kind, file, text }),
);

let folder: string;
let database: Awaited<ReturnType<typeof cloneDatabase>>;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'gatehouse-own-'));
  database = await cloneDatabase();
  await copyProject(folder, { withGenerated: false });
});
afterAll(async () => {
  await endPrograms();
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});

/** The lines with `+` after, and before, those that say where. */
async function change(file: string, diff: string): Promise<void> {
  const lines = diff.trimEnd().split('\n');
  const before = lines.filter((line) => !line.startsWith('+')).map((line) => line.slice(1));
  const text = await readFile(file, 'utf8');
  const places = text.split(`${before.join('\n')}\n`).length - 1;
  if (places !== 1) throw new Error(`${places} places in ${file} look like\n${diff}`);
  await writeFile(
    file,
    text.replace(`${before.join('\n')}\n`, () => `${lines.map((line) => line.slice(1)).join('\n')}\n`),
  );
}

async function follow({ kind, file, text }: Block): Promise<void> {
  const target = path.join(folder, file);
  if (kind === 'diff') return change(target, text);
  if (kind === 'sh') return command(text);
  await mkdir(path.dirname(target), { recursive: true });
  return writeFile(target, text, { flag: 'wx' });
}

/** As in the shell of whoever reads the page, without a network. */
async function command(script: string): Promise<void> {
  const PATH = [path.join(folder, 'node_modules/.bin'), process.env.PATH].join(path.delimiter);
  const env = { PATH, HOME: folder, DATABASE_URL: database.url, npm_config_offline: 'true' };
  await run('sh', ['-ec', script], { cwd: folder, env }).catch((error: { stdout: string; stderr: string }) => {
    throw new Error(`${script}\n${error.stdout}${error.stderr}`);
  });
}

describe(page, () => {
  test('has blocks that are whole: a kind, and a file that it is about', () => {
    expect(blocks.length).toBeGreaterThan(15);
    expect(
      blocks.filter(({ kind, file }) => !['ts', 'diff', 'sh'].includes(kind) || (kind === 'sh') === (file !== '')),
    ).toEqual([]);
  });

  test('makes a domain whose types and tests are good', { timeout: 480_000 }, async () => {
    for (const block of blocks) await follow(block);
  });

  test('makes fields for members, which outsiders and strangers are refused', { timeout: 120_000 }, async () => {
    const environment = { DATABASE_URL: database.url, DATA_DIR: path.join(folder, '.data'), PORT: '0' };
    const url = (await runProgram(path.join(folder, 'src/main.ts'), environment).ready()) ?? '';
    const app = { url } as TestApp;
    const owner = await aPerson(app);
    const [member, outsider] = [await aMemberOf(app, owner), await aPerson(app)];
    const write = (caller: Pick<Person, 'send'>) =>
      caller.send<{ createNote: { note: { id: string } } } | null, object>(
        'mutation ($input: CreateNoteInput!) { createNote(input: $input) { ... on NoteCreated { note { id } } } }',
        { input: { organizationId: owner.organizationId, title: 'Minutes', body: '' } },
      );
    const id = (await write(member)).data?.createNote.note.id ?? '';
    expect([(await write(outsider)).codes, (await write(callerWith(app))).codes]).toEqual([
      ['NOT_FOUND'],
      ['UNAUTHENTICATED'],
    ]);
    const read = async (caller: Pick<Person, 'send'>) => (await caller.send(`{ node(id: "${id}") { id } }`)).data;
    const answers = [await read(owner), await read(outsider), await read(callerWith(app))];
    expect(answers).toEqual([{ node: { id: expect.stringMatching(/^not_/) } }, { node: null }, { node: null }]);
  });
});
