import {
  type Context,
  context,
  defaultTextMapGetter,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { inSpan, type Telemetry } from '../platform/telemetry.ts';
import type { OperationRecord } from './operation-log.ts';

/** Outcomes that are ours to mend, and not the caller's. */
const ourFaults = new Set(['INTERNAL', 'SERVICE_UNAVAILABLE']);

/** Begins the span of an operation, in the caller's trace where `carrier` has a `traceparent`; null without telemetry. */
export function beginTrace(telemetry: Telemetry | null, carrier: unknown): Context | null {
  if (!telemetry) return null;
  const caller = telemetry.propagator.extract(ROOT_CONTEXT, carrier ?? {}, defaultTextMapGetter);
  return trace.setSpan(caller, telemetry.tracer.startSpan('operation', { kind: SpanKind.SERVER }, caller));
}

/** Does a part of the operation in its trace. */
export function inTrace<T>(record: Pick<OperationRecord, 'trace'>, work: () => T): T {
  return record.trace ? context.with(record.trace, work) : work();
}

/** Does what may go on for hours in no trace at all. */
export function outsideTraces<T>(record: Pick<OperationRecord, 'trace'>, work: () => T): T {
  return record.trace ? context.with(ROOT_CONTEXT, work) : work();
}

/** Gives one event of a stream a trace of its own, linked to the subscription: one for all would never end. */
export function inEventTrace<T>(
  telemetry: Telemetry | null,
  record: OperationRecord,
  work: () => Promise<T>,
): Promise<T> {
  const subscription = record.trace && trace.getSpanContext(record.trace);
  if (!telemetry || !subscription) return work();
  const links = [{ context: subscription }];
  return inSpan(telemetry.tracer, { name: `event ${nameOf(record)}`, kind: SpanKind.CONSUMER, links }, work);
}

/** Ends the span with what the log line says of the operation. */
export function endTrace(record: OperationRecord): void {
  const span = record.trace && trace.getSpan(record.trace);
  if (!span) return;
  const { type, name, outcome, transport, origin } = record;
  span.updateName(nameOf(record));
  span.setAttributes({
    ...(type && { 'graphql.operation.type': type }),
    ...(name && { 'graphql.operation.name': name }),
    'gatehouse.transport': transport,
    'gatehouse.outcome': outcome ?? 'none',
    'gatehouse.request_id': origin.requestId,
  });
  if (outcome && ourFaults.has(outcome)) span.setStatus({ code: SpanStatusCode.ERROR });
  span.end();
}

function nameOf({ type, name }: OperationRecord): string {
  return [type ?? 'operation', name].filter(Boolean).join(' ');
}
