import {
  type Attributes,
  context,
  type Link,
  type SpanKind,
  SpanStatusCode,
  type TextMapPropagator,
  type Tracer,
  type TracerProvider,
  trace,
} from '@opentelemetry/api';
import type { TelemetryConfig } from '../telemetry.config.ts';

/** Traces of one process. Whoever makes a span puts names and ids into it, never a value that a person gave. */
export interface Telemetry {
  readonly tracer: Tracer;
  readonly tracerProvider: TracerProvider;
  /** W3C Trace Context alone: no baggage is taken or handed on. */
  readonly propagator: TextMapPropagator;
  /** Sends what is still held, for a second at most. */
  close(): Promise<void>;
}

/** Null without an endpoint; then nothing of the SDK is loaded. */
export async function startTelemetry(config: TelemetryConfig | null): Promise<Telemetry | null> {
  if (!config) return null;
  const { startSdk } = await import('./telemetry-sdk.ts');
  return startSdk(config);
}

export interface SpanDescription {
  readonly name: string;
  readonly kind: SpanKind;
  readonly attributes?: Attributes;
  readonly links?: Link[];
}

/** Does `work` in a span of its own. Of an error only the kind is kept: its message may repeat what somebody has typed. */
export async function inSpan<T>(
  tracer: Tracer,
  { name, ...options }: SpanDescription,
  work: () => T | Promise<T>,
): Promise<T> {
  const span = tracer.startSpan(name, options);
  try {
    // Prisma's promises begin when they are awaited: that must happen inside.
    return await context.with(trace.setSpan(context.active(), span), async () => await work());
  } catch (error) {
    span.setStatus({ code: SpanStatusCode.ERROR }).setAttribute('error.type', errorType(error));
    throw error;
  } finally {
    span.end();
  }
}

/** The name of an error's class, or the code that says more. */
export function errorType(error: unknown): string {
  const { code, name } = (error ?? {}) as { code?: unknown; name?: unknown };
  return typeof code === 'string' ? code : typeof name === 'string' ? name : '_OTHER';
}
