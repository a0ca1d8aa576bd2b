import { context } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type Sampler,
  type SpanProcessor,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { TelemetryConfig } from '../telemetry.config.ts';
import { traceOutgoingHttp } from './outgoing-trace.ts';
import type { Telemetry } from './telemetry.ts';
import { inTimeForTheEnd } from './telemetry-flush.ts';
import { telemetryResource } from './telemetry-resource.ts';

const exportDelayMs = 1_000;
const textMaxChars = 2_000;

/** Loaded only where there is an endpoint. */
export function startSdk(config: TelemetryConfig): Telemetry {
  // One for the process, however many programs it holds: a second call changes nothing.
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const exporter = new OTLPTraceExporter({ url: `${config.endpoint}/v1/traces` });
  const tracerProvider = new TracerProvider({
    resource: telemetryResource(),
    sampler: samplerOf(config),
    spanLimits: { attributeValueLengthLimit: textMaxChars },
    spanProcessors: [discretion, new BatchSpanProcessor({ exporter, scheduledDelayMillis: exportDelayMs })],
  });
  const tracer = tracerProvider.getTracer('gatehouse');
  const stopTracingHttp = traceOutgoingHttp(tracer);
  return {
    tracer,
    tracerProvider,
    propagator: new W3CTraceContextPropagator(),
    close() {
      stopTracingHttp();
      return inTimeForTheEnd(tracerProvider.shutdown());
    },
  };
}

/** Libraries put messages and stacks of errors into spans, and those may repeat an address or a secret. */
const discretion: SpanProcessor = {
  onStart() {},
  onEnding(span) {
    span.events.length = 0;
    if (span.status.message) span.setStatus({ code: span.status.code });
  },
  onEnd() {},
  forceFlush: async () => undefined,
  shutdown: async () => undefined,
};

function samplerOf({ sampler, ratio }: TelemetryConfig): Sampler {
  const kind = sampler.replace('parentbased_', '');
  const root =
    kind === 'always_on'
      ? new AlwaysOnSampler()
      : kind === 'always_off'
        ? new AlwaysOffSampler()
        : new TraceIdRatioBasedSampler(ratio);
  return sampler === kind ? root : new ParentBasedSampler({ root });
}
