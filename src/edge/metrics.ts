import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Platform } from '../platform/platform.ts';
import { sendProblem } from './answers.ts';

export interface MetricsServer {
  readonly url: string;
  close(): Promise<void>;
}

interface MetricsOptions {
  readonly port: number;
  /** Sets the gauges of what is in the database, as far as it answers. */
  readonly refresh: () => Promise<void>;
}

/**
 * Serves `GET /metrics` as Prometheus text on a port of its own, which the outside must not reach.
 * @throws the error of `listen`
 */
export async function startMetricsServer(
  platform: Platform,
  { port, refresh }: MetricsOptions,
): Promise<MetricsServer> {
  const { metrics, config } = platform;
  const server = createServer(async (request, response) => {
    if (request.method !== 'GET' || request.url !== '/metrics') return sendProblem(response, 404);
    await refresh();
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
