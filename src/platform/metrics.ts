import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { TelemetryConfig } from '../telemetry.config.ts';

/** What one process counts for Prometheus and for a collector. Labels are few and ours: no name that a client makes up. */
export interface Metrics {
  readonly registry: Registry;
  /** GraphQL operations, by transport, type and outcome (`ok`, or the code of the first error), in seconds. */
  readonly operations: Histogram<'transport' | 'type' | 'outcome'>;
  /** Sockets and SSE streams that are open. */
  readonly connections: Gauge;
}

const durationBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Only counters, until somebody asks: a process whom nobody asks pays a few additions an operation. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  return {
    registry,
    operations: new Histogram({
      name: 'gatehouse_operation_duration_seconds',
      help: 'GraphQL operations by transport, type and outcome.',
      labelNames: ['transport', 'type', 'outcome'],
      buckets: durationBuckets,
      registers: [registry],
    }),
    connections: new Gauge({
      name: 'gatehouse_connections',
      help: 'Sockets and SSE streams that are open on this process.',
      registers: [registry],
    }),
  };
}

/** Adds what the process itself says: CPU, memory, event loop, garbage collection. */
export function watchProcess({ registry }: Metrics): void {
  collectDefaultMetrics({ register: registry });
}

/** Sends metrics now and then, until it is closed. */
export interface MetricsExport {
  /** Sends them once more, for a second at most. */
  close(): Promise<void>;
}

/**
 * Sends the metrics by OTLP to where the traces go. `refresh` sets the gauges of what is in the database,
 * as far as it answers.
 */
export async function startMetricsExport(
  { registry }: Metrics,
  config: TelemetryConfig,
  refresh: () => Promise<void>,
): Promise<MetricsExport> {
  const { startMetricsSdk } = await import('./metrics-sdk.ts');
  return startMetricsSdk(config, registry, refresh);
}
