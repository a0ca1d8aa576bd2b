import { z } from 'zod';

const samplers = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;

/** Where traces and metrics go, and how many. What only the exporter needs (headers, certificates, timeout) it reads itself. */
export interface TelemetryConfig {
  /** The base of OTLP over HTTP, without `/v1/traces` and `/v1/metrics`. */
  readonly endpoint: string;
  readonly sampler: (typeof samplers)[number];
  /** The share that a ratio sampler takes, 0 to 1. */
  readonly ratio: number;
  /** The time between two sendings of metrics. */
  readonly metricIntervalMs: number;
}

/** The part of the environment that is about traces and metrics, by the names of the OpenTelemetry specification. */
export const telemetryVariables = {
  OTEL_EXPORTER_OTLP_ENDPOINT: z
    .string()
    .refine((value) => URL.canParse(value) && /^https?:$/.test(new URL(value).protocol), {
      error: 'must be an http or https URL such as http://127.0.0.1:4318',
    })
    .optional(),
  OTEL_TRACES_SAMPLER: z
    .enum(samplers, { error: `must be one of ${samplers.join(', ')}` })
    .default('parentbased_always_on'),
  OTEL_TRACES_SAMPLER_ARG: z
    .string()
    .refine((value) => Number(value) >= 0 && Number(value) <= 1, { error: 'must be a number from 0 to 1' })
    .transform(Number)
    .default(1),
  OTEL_METRIC_EXPORT_INTERVAL: z
    .string()
    .regex(/^[1-9]\d{2,8}$/, { error: 'must be a number of milliseconds from 100 on' })
    .transform(Number)
    .default(60_000),
};

type TelemetryEnvironment = z.output<z.ZodObject<typeof telemetryVariables>>;

/** Null: nothing is traced, and nothing of OpenTelemetry's SDK is loaded. */
export function telemetryOf(env: TelemetryEnvironment): TelemetryConfig | null {
  if (!env.OTEL_EXPORTER_OTLP_ENDPOINT) return null;
  return {
    endpoint: env.OTEL_EXPORTER_OTLP_ENDPOINT.replace(/\/+$/, ''),
    sampler: env.OTEL_TRACES_SAMPLER,
    ratio: env.OTEL_TRACES_SAMPLER_ARG,
    metricIntervalMs: env.OTEL_METRIC_EXPORT_INTERVAL,
  };
}
