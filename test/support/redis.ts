import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort } from './free-port.ts';

/** Whether there is a redis-server here; CI installs one, so there these tests always run. */
export const hasRedis = spawnSync('redis-server', ['--version']).status === 0;
if (!hasRedis) console.warn('No redis-server is installed: what needs Redis is NOT tested in this run.');

/** A real redis-server on a free port, which may be stopped and started again. */
export interface RedisServer {
  readonly url: string;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Stops it for good. */
  remove(): Promise<void>;
}

export async function aRedisServer(): Promise<RedisServer> {
  const port = await freePort();
  const folder = await mkdtemp(path.join(tmpdir(), 'gatehouse-redis-'));
  let server: ChildProcess | null = null;
  const start = async () => {
    const words = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', folder];
    server = spawn('redis-server', words, { stdio: ['ignore', 'pipe', 'inherit'] });
    for await (const chunk of server.stdout ?? []) if (String(chunk).includes('Ready to accept')) break;
    server.stdout?.resume();
  };
  const stop = async () => {
    const exit = server && once(server, 'exit');
    server?.kill('SIGKILL');
    await exit;
    server = null;
  };
  await start();
  return {
    url: `redis://127.0.0.1:${port}`,
    start,
    stop,
    async remove() {
      if (server) await stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
