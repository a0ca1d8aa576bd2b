import { type Channel, channel } from 'node:diagnostics_channel';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { type Span, SpanKind, SpanStatusCode, type Tracer } from '@opentelemetry/api';
import { errorType } from './telemetry.ts';

interface UndiciRequest {
  readonly origin: string | URL;
  readonly method: string;
}

/**
 * Makes a span of every HTTP request that leaves the process, whichever library sends it, from what Node and undici tell
 * on their diagnostics channels. It holds the host and no path: paths and queries carry tokens and keys. Nothing is added
 * to the requests, so that no receiver learns our trace ids.
 * @returns what ends it
 */
export function traceOutgoingHttp(tracer: Tracer): () => void {
  const spans = new WeakMap<object, Span>();
  const begin = (request: object, method: string, url: URL) => {
    const attributes = {
      'http.request.method': method,
      'server.address': url.hostname,
      ...(url.port && { 'server.port': Number(url.port) }),
    };
    spans.set(request, tracer.startSpan(`${method} ${url.hostname}`, { kind: SpanKind.CLIENT, attributes }));
  };
  const end = (request: object, { status, error }: { status?: number | undefined; error?: unknown }) => {
    const span = spans.get(request);
    spans.delete(request);
    if (status !== undefined) span?.setAttribute('http.response.status_code', status);
    if (error) span?.setAttribute('error.type', errorType(error));
    if (error || (status ?? 0) >= 500) span?.setStatus({ code: SpanStatusCode.ERROR });
    span?.end();
  };
  return subscribeAll({
    'undici:request:create': ({ request }: { request: UndiciRequest }) =>
      begin(request, request.method, new URL(request.origin)),
    'undici:request:headers': ({ request, response }: { request: object; response: { statusCode: number } }) =>
      end(request, { status: response.statusCode }),
    'undici:request:error': ({ request, error }: { request: object; error: unknown }) => end(request, { error }),
    'http.client.request.created': ({ request }: { request: ClientRequest }) =>
      begin(request, request.method, new URL(`${request.protocol}//${request.getHeader('host') ?? request.host}`)),
    'http.client.response.finish': ({ request, response }: { request: object; response: IncomingMessage }) =>
      end(request, { status: response.statusCode }),
    'http.client.request.error': ({ request, error }: { request: object; error: unknown }) => end(request, { error }),
  });
}

function subscribeAll(listeners: Readonly<Record<string, (message: never) => void>>): () => void {
  const subscribed = Object.entries(listeners).map(([name, listener]) => {
    const quiet = (message: unknown) => listener(message as never);
    const on: Channel = channel(name);
    on.subscribe(quiet);
    return () => on.unsubscribe(quiet);
  });
  return () => {
    for (const unsubscribe of subscribed) unsubscribe();
  };
}
