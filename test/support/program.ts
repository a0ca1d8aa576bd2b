import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');
/** A third of what starting a program costs is compiling it. Ones that were started before have done it. */
export const compileCache = { NODE_COMPILE_CACHE: path.join(root, 'node_modules/.cache/compiled') };
const running = new Set<ChildProcess>();

/** A real process of the project, with nothing in its environment but what the test gives it and what makes it start faster. */
export interface Program {
  readonly pid: number;
  /** What it has said so far. */
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Where it listens, once it is ready; rejects when it ends before. */
  readonly ready: () => Promise<string | null>;
  /** Its exit code, once it has ended; null when a signal ended it. */
  readonly exit: Promise<number | null>;
  readonly kill: (signal: NodeJS.Signals) => void;
}

export function runProgram(file: string, environment: Record<string, string>, words: string[] = []): Program {
  const child = spawn(process.execPath, [file, ...words], {
    cwd: root,
    env: { ...compileCache, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk));
  const exit = once(child, 'close').then(([code]) => {
    running.delete(child);
    return code as number | null;
  });
  const readyLine = () => stdout.split('\n').find((line) => line.includes('"msg":"ready"'));
  const ready = async () => {
    while (!readyLine()) {
      const ended = await Promise.race([once(child.stdout, 'data').then(() => false), exit.then(() => true)]);
      if (ended && !readyLine())
        throw new Error(`It ended with code ${await exit} before it was ready.\n${stdout}${stderr}`);
    }
    return (JSON.parse(readyLine() ?? '') as { url: string | null }).url;
  };
  return {
    pid: child.pid ?? 0,
    stdout: () => stdout,
    stderr: () => stderr,
    ready,
    exit,
    kill: (signal) => child.kill(signal),
  };
}

/** Ends what a failed test has left running. */
export async function endPrograms(): Promise<void> {
  const ended = [...running].map((child) => once(child, 'close'));
  for (const child of running) child.kill('SIGTERM');
  await Promise.all(ended);
}
