import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { vi } from 'vitest';
import { freePort } from './free-port.ts';
import { startTestApp, type TestApp } from './world.ts';

/** The example application as people get it, and the program that it talks to. */
export interface ExampleApp {
  readonly api: TestApp;
  readonly url: string;
  /** As the browser names the API: the same site as the page, or its cookie would stay behind. */
  readonly apiUrl: string;
  close(): Promise<void>;
}

const root = path.resolve(import.meta.dirname, '../../examples/apollo');
const vite = path.resolve(import.meta.dirname, '../../node_modules/vite/bin/vite.js');

/** Builds the example against a program of its own, and serves it where the links in mails lead. */
export async function startExampleApp(): Promise<ExampleApp> {
  const port = await freePort();
  const url = `http://localhost:${port}`;
  const api = await startTestApp({ PUBLIC_APP_URL: url });
  const apiUrl = api.url.replace('127.0.0.1', 'localhost');
  const outDir = await mkdtemp(path.join(tmpdir(), 'gatehouse-example-'));
  await built(runVite(['build', '--outDir', outDir, '--emptyOutDir', '--logLevel', 'warn'], apiUrl));
  const server = runVite(['preview', '--outDir', outDir, '--port', String(port)], apiUrl);
  await vi.waitFor(() => fetch(url), { timeout: 20_000, interval: 100 });
  return {
    api,
    url,
    apiUrl,
    async close() {
      const exit = once(server, 'exit');
      server.kill();
      await exit;
      await api.close();
      await rm(outDir, { recursive: true, force: true });
    },
  };
}

function runVite(words: string[], apiUrl: string): ChildProcess {
  const env = { ...process.env, NODE_ENV: 'production', VITE_API_URL: apiUrl };
  return spawn(process.execPath, [vite, ...words], { cwd: root, env, stdio: ['ignore', 'ignore', 'inherit'] });
}

async function built(build: ChildProcess): Promise<void> {
  const [code] = await once(build, 'exit');
  if (code !== 0) throw new Error(`the example could not be built: exit code ${code}`);
}
