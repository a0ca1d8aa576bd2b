import { context, type Span, SpanStatusCode, trace } from '@opentelemetry/api';
import { runFunction } from '@pothos/plugin-tracing';
import type { GraphQLFieldResolver } from 'graphql';
import type { RequestCtx } from '../context.ts';
import { errorType } from '../platform/telemetry.ts';

type Resolver = GraphQLFieldResolver<unknown, RequestCtx, Record<string, unknown>>;

/** A nested field that is faster than this says nothing: what it asked of the database has spans of its own. */
const slowMs = 10;

/** Root fields are spans that hold what they cause. */
export function tracedRoot(resolve: Resolver, name: string): Resolver {
  return (parent, args, ctx, info) => {
    const { telemetry } = ctx.platform;
    if (!telemetry) return resolve(parent, args, ctx, info);
    const span = telemetry.tracer.startSpan(name);
    return runFunction(
      // Awaited inside, since that is when Prisma's promises begin.
      () => context.with(trace.setSpan(context.active(), span), async () => await resolve(parent, args, ctx, info)),
      (error) => end(span, error),
    );
  };
}

/** Other fields become spans once they have been slow, so that a list of a thousand does not make a thousand. */
export function tracedWhenSlow(resolve: Resolver, name: string): Resolver {
  return (parent, args, ctx, info) => {
    const { telemetry } = ctx.platform;
    if (!telemetry) return resolve(parent, args, ctx, info);
    const startTime = Date.now();
    return runFunction(
      () => resolve(parent, args, ctx, info),
      (error, durationMs) => {
        if (durationMs >= slowMs) end(telemetry.tracer.startSpan(name, { startTime }), error);
      },
    );
  };
}

function end(span: Span, error: unknown): void {
  if (error) span.setStatus({ code: SpanStatusCode.ERROR }).setAttribute('error.type', errorType(error));
  span.end();
}
