import { buffer } from 'node:stream/consumers';
import { parse, type Type } from 'protobufjs';
import { startLoopbackServer } from './loopback.ts';

/** A span as it came over the wire. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for the root of a trace. */
  readonly parentSpanId: string;
  readonly name: string;
  /** 2 server, 3 client, 4 producer, 5 consumer. */
  readonly kind: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly links: readonly { traceId: string; spanId: string }[];
  readonly events: readonly unknown[];
  readonly status: { readonly code?: number; readonly message?: string };
  readonly service: unknown;
}

/** A metric as it came over the wire; of a histogram point, count, sum and what lies in each bucket. */
export interface ReceivedMetric {
  readonly name: string;
  readonly kind: 'gauge' | 'sum' | 'histogram';
  readonly instance: unknown;
  readonly points: readonly {
    readonly attributes: Readonly<Record<string, unknown>>;
    readonly asDouble?: number;
    readonly count?: number;
    readonly bucketCounts?: readonly number[];
    readonly explicitBounds?: readonly number[];
  }[];
}

export interface OtlpReceiver {
  readonly url: string;
  readonly spans: ReceivedSpan[];
  readonly metrics: ReceivedMetric[];
  /** Every byte that came, one character each, headers too. */
  readonly bytes: () => string;
  close(): Promise<void>;
}

/** A collector of traces and metrics by OTLP over HTTP with protobuf, on a free port of the loopback interface. */
export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = [];
  const metrics: ReceivedMetric[] = [];
  const bodies: Buffer[] = [];
  const { url, close } = await startLoopbackServer(() => async (request, response) => {
    const body = await buffer(request);
    bodies.push(Buffer.from(JSON.stringify(request.headers)), body);
    if (request.url === '/v1/traces') spans.push(...spansIn(body));
    if (request.url === '/v1/metrics') metrics.push(...metricsIn(body));
    response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
  });
  return { url, spans, metrics, bytes: () => Buffer.concat(bodies).toString('latin1'), close };
}

/** What is read here of opentelemetry/proto/trace/v1/trace.proto and metrics/v1/metrics.proto, by their field numbers. */
const proto = `syntax = "proto3";
message Request { repeated ResourceSpans resource_spans = 1; }
message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; }
message Resource { repeated KeyValue attributes = 1; }
message ScopeSpans { repeated Span spans = 2; }
message Span {
  bytes trace_id = 1; bytes span_id = 2; bytes parent_span_id = 4; string name = 5; int32 kind = 6;
  repeated KeyValue attributes = 9; repeated Event events = 11; repeated Link links = 13; Status status = 15;
}
message KeyValue { string key = 1; AnyValue value = 2; }
message AnyValue { oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4; } }
message Event { string name = 2; repeated KeyValue attributes = 3; }
message Link { bytes trace_id = 1; bytes span_id = 2; }
message Status { string message = 2; int32 code = 3; }
message MetricsRequest { repeated ResourceMetrics resource_metrics = 1; }
message ResourceMetrics { Resource resource = 1; repeated ScopeMetrics scope_metrics = 2; }
message ScopeMetrics { repeated Metric metrics = 2; }
message Metric { string name = 1; Numbers gauge = 5; Numbers sum = 7; Histogram histogram = 9; }
message Numbers { repeated NumberPoint data_points = 1; }
message NumberPoint { double as_double = 4; repeated KeyValue attributes = 7; }
message Histogram { repeated HistogramPoint data_points = 1; }
message HistogramPoint {
  fixed64 count = 4; double sum = 5; repeated fixed64 bucket_counts = 6; repeated double explicit_bounds = 7;
  repeated KeyValue attributes = 9;
}`;

const { root } = parse(proto);
const Request: Type = root.lookupType('Request');
const MetricsRequest: Type = root.lookupType('MetricsRequest');

interface Attribute {
  readonly key: string;
  readonly value?: Readonly<Record<string, unknown>>;
}

interface WireSpan extends Omit<ReceivedSpan, 'attributes' | 'service'> {
  readonly attributes: Attribute[];
}

interface WireRequest {
  readonly resourceSpans: { resource: { attributes: Attribute[] }; scopeSpans: { spans: WireSpan[] }[] }[];
}

function spansIn(body: Buffer): ReceivedSpan[] {
  const { resourceSpans } = Request.toObject(Request.decode(body), {
    longs: Number,
    arrays: true,
  }) as WireRequest;
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans
      .flatMap(({ spans }) => spans)
      .map((span) => ({
        ...span,
        traceId: hex(span.traceId),
        spanId: hex(span.spanId),
        parentSpanId: hex(span.parentSpanId),
        links: span.links.map((link) => ({ traceId: hex(link.traceId), spanId: hex(link.spanId) })),
        attributes: recordOf(span.attributes),
        status: span.status ?? {},
        service: recordOf(resource.attributes)['service.name'],
      })),
  );
}

type WirePoint = Omit<ReceivedMetric['points'][number], 'attributes'> & { readonly attributes: Attribute[] };
type WireMetric = { readonly name: string } & Partial<Record<ReceivedMetric['kind'], { dataPoints: WirePoint[] }>>;

interface WireMetrics {
  readonly resourceMetrics: { resource: { attributes: Attribute[] }; scopeMetrics: { metrics: WireMetric[] }[] }[];
}

function metricsIn(body: Buffer): ReceivedMetric[] {
  const { resourceMetrics } = MetricsRequest.toObject(MetricsRequest.decode(body), {
    longs: Number,
    arrays: true,
  }) as WireMetrics;
  return resourceMetrics.flatMap(({ resource, scopeMetrics }) =>
    scopeMetrics
      .flatMap(({ metrics }) => metrics)
      .map((metric) => {
        const kind = (['gauge', 'sum', 'histogram'] as const).find((one) => metric[one]) ?? 'gauge';
        const points = (metric[kind]?.dataPoints ?? []).map((point) => ({
          ...point,
          attributes: recordOf(point.attributes),
        }));
        return { name: metric.name, kind, instance: recordOf(resource.attributes)['service.instance.id'], points };
      }),
  );
}

function hex(bytes: unknown): string {
  return bytes ? Buffer.from(bytes as Uint8Array).toString('hex') : '';
}

function recordOf(attributes: Attribute[]): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value ?? {})[0]]));
}
