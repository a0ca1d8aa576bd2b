import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { compileCache } from './program.ts';
import type { TestApp } from './world.ts';

export interface ProgramCall {
  /** A file of `src` without its ending. */
  readonly program: string;
  readonly words?: string[];
  /** Besides what the app of the test has. */
  readonly environment?: Record<string, string>;
}

/** Starts a program of the project on the database and the data folder of a test's app. */
export function startProgram(app: TestApp, { program, words = [], environment }: ProgramCall) {
  const { databaseUrl, dataDir } = app.platform.config;
  const env = {
    ...compileCache,
    DATABASE_URL: databaseUrl ?? '',
    DATA_DIR: dataDir,
    PORT: '0',
    LOG_LEVEL: 'warn',
    ...environment,
  };
  const file = path.join(import.meta.dirname, '../../src', `${program}.ts`);
  return spawn(process.execPath, [file, ...words], { env, stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Runs one to its end. */
export async function runProgram(app: TestApp, call: ProgramCall) {
  const program = startProgram(app, call);
  const output = Promise.all([text(program.stdout), text(program.stderr)]);
  const [code] = (await once(program, 'exit')) as [number | null];
  const [stdout, stderr] = await output;
  return { code, stdout, stderr };
}
