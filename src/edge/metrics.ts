import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Gauge } from 'prom-client';
import { watchProcess } from '../platform/metrics.ts';
import type { Platform } from '../platform/platform.ts';
import { sendProblem } from './answers.ts';

export interface MetricsServer {
  readonly url: string;
  close(): Promise<void>;
}

/** How one queue stands, over all processes. */
interface QueueState {
  readonly queue: string;
  readonly waiting: number;
  readonly delayed: number;
  readonly retrying: number;
  readonly running: number;
  readonly oldestWaitingSeconds: number;
  readonly openDeadLetters: number;
}

interface MetricsOptions {
  readonly port: number;
  readonly queues: () => Promise<readonly QueueState[]>;
}

/**
 * Serves `GET /metrics` as Prometheus text on a port of its own, which the outside must not reach.
 * @throws the error of `listen`
 */
export async function startMetricsServer(platform: Platform, { port, queues }: MetricsOptions): Promise<MetricsServer> {
  const { metrics, config, log } = platform;
  watchProcess(metrics);
  const tell = queueGauges(platform);
  const readQueues = async () => (await queues()).forEach(tell);
  const server = createServer(async (request, response) => {
    if (request.method !== 'GET' || request.url !== '/metrics') return sendProblem(response, 404);
    // What the process knows is worth telling also when the database does not answer.
    await readQueues().catch((error: unknown) => log.warn({ err: error }, 'the queues were not counted'));
    response.setHeader('content-type', metrics.registry.contentType);
    response.end(await metrics.registry.metrics());
  });
  server.listen(port, config.server.host);
  await once(server, 'listening');
  return {
    url: `http://${config.server.host}:${(server.address() as AddressInfo).port}/metrics`,
    async close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

const states = ['waiting', 'delayed', 'retrying', 'running'] as const;

/** Every process tells the same, since the queues are in the database: take the maximum, not the sum. */
function queueGauges(platform: Platform): (line: QueueState) => void {
  const registers = [platform.metrics.registry];
  const jobs = new Gauge({
    name: 'gatehouse_jobs',
    help: 'Jobs by queue and state.',
    labelNames: ['queue', 'state'],
    registers,
  });
  const oldest = new Gauge({
    name: 'gatehouse_job_oldest_waiting_seconds',
    help: 'For how long the oldest job that is due has waited, by queue.',
    labelNames: ['queue'],
    registers,
  });
  const dead = new Gauge({
    name: 'gatehouse_dead_letters_open',
    help: 'Jobs that were given up and wait for a superuser, by queue.',
    labelNames: ['queue'],
    registers,
  });
  return (line) => {
    const { queue } = line;
    for (const state of states) jobs.set({ queue, state }, line[state]);
    oldest.set({ queue }, line.oldestWaitingSeconds);
    dead.set({ queue }, line.openDeadLetters);
  };
}
