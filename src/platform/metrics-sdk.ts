import { type HrTime, ValueType } from '@opentelemetry/api';
import { millisToHrTime } from '@opentelemetry/core';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import {
  AggregationTemporality,
  type DataPoint,
  DataPointType,
  type Histogram,
  MeterProvider,
  type MetricData,
  type MetricProducer,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import type { Registry } from 'prom-client';
import type { TelemetryConfig } from '../telemetry.config.ts';
import type { MetricsExport } from './metrics.ts';
import { inTimeForTheEnd } from './telemetry-flush.ts';
import { telemetryResource } from './telemetry-resource.ts';

interface Sample {
  readonly value: number;
  readonly labels: Readonly<Record<string, string | number>>;
  /** Of a histogram: its name with `_bucket`, `_sum` or `_count`. */
  readonly metricName?: string;
}

/** Loaded only where there is an endpoint. Sends what Prometheus would read, and under the same names. */
export function startMetricsSdk(
  config: TelemetryConfig,
  registry: Registry,
  refresh: () => Promise<void>,
): MetricsExport {
  const exporter = new OTLPMetricExporter({
    url: `${config.endpoint}/v1/metrics`,
    temporalityPreference: AggregationTemporality.CUMULATIVE,
  });
  const reader = new PeriodicExportingMetricReader({
    exporter,
    exportIntervalMillis: config.metricIntervalMs,
    exportTimeoutMillis: config.metricIntervalMs,
    metricProducers: [producerOf(registry, refresh)],
  });
  const provider = new MeterProvider({ resource: telemetryResource(), readers: [reader] });
  return { close: () => inTimeForTheEnd(provider.shutdown()) };
}

function producerOf(registry: Registry, refresh: () => Promise<void>): MetricProducer {
  const startTime = millisToHrTime(Date.now());
  const resource = telemetryResource();
  return {
    async collect() {
      await refresh();
      const times = { startTime, endTime: millisToHrTime(Date.now()) };
      const read = await registry.getMetricsAsJSON();
      const metrics = read.map(({ name, help, type, values }) =>
        metricOf({ name, help, type: String(type) }, values as Sample[], times),
      );
      return {
        resourceMetrics: { resource, scopeMetrics: [{ scope: { name: 'gatehouse' }, metrics }] },
        errors: [],
      };
    },
  };
}

interface Described {
  readonly name: string;
  readonly help: string;
  readonly type: string;
}
type Times = Readonly<Record<'startTime' | 'endTime', HrTime>>;

function metricOf({ name, help, type }: Described, samples: readonly Sample[], times: Times): MetricData {
  const descriptor = { name, description: help, unit: '', valueType: ValueType.DOUBLE };
  const base = { descriptor, aggregationTemporality: AggregationTemporality.CUMULATIVE };
  if (type === 'histogram') {
    return { ...base, dataPointType: DataPointType.HISTOGRAM, dataPoints: histogramPoints(samples, times) };
  }
  const dataPoints = samples.map(({ value, labels }) => ({ ...times, value, attributes: { ...labels } }));
  if (type === 'counter') return { ...base, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints };
  return { ...base, dataPointType: DataPointType.GAUGE, dataPoints };
}

/** Prometheus counts each bucket with all below it, OpenTelemetry by itself. */
function histogramPoints(samples: readonly Sample[], times: Times): DataPoint<Histogram>[] {
  const series = Map.groupBy(samples, ({ labels: { le: _, ...own } }) => JSON.stringify(own));
  return [...series].map(([own, parts]) => {
    const buckets = parts.filter(({ labels }) => labels.le !== undefined);
    const whole = (suffix: string) => parts.find(({ metricName }) => metricName?.endsWith(suffix))?.value ?? 0;
    const value: Histogram = {
      buckets: {
        boundaries: buckets.map(({ labels }) => Number(labels.le)).filter(Number.isFinite),
        counts: buckets.map((bucket, at) => bucket.value - (buckets[at - 1]?.value ?? 0)),
      },
      sum: whole('_sum'),
      count: whole('_count'),
    };
    return { ...times, value, attributes: JSON.parse(own) as Sample['labels'] };
  });
}
