import type { IncomingMessage, ServerResponse } from 'node:http';

const allowed = {
  'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
  'access-control-allow-headers':
    'Authorization, Content-Type, X-Organization-Id, X-Request-Id, Idempotency-Key, Content-Digest, Range, If-Range, Tus-Resumable, Upload-Length, Upload-Offset, Upload-Metadata, Upload-Defer-Length, Traceparent, Tracestate',
  'access-control-max-age': '600',
};

const exposed =
  'X-Request-Id, Idempotency-Replayed, RateLimit, RateLimit-Policy, Location, Tus-Resumable, Tus-Version, Tus-Extension, Tus-Max-Size, Upload-Offset, Upload-Length, Upload-Expires, Content-Range, Content-Disposition, ETag';

/**
 * The CORS protocol (Fetch standard) for an exact list of origins; any other origin gets no CORS header, so that its
 * browser keeps the answer from it. True when the request was a preflight and is answered.
 */
export function applyCors(origins: readonly string[], request: IncomingMessage, response: ServerResponse): boolean {
  const { origin } = request.headers;
  const isPreflight = request.method === 'OPTIONS';
  response.appendHeader('vary', 'Origin');
  if (origin !== undefined && origins.includes(origin)) {
    response.setHeader('access-control-allow-origin', origin);
    response.setHeader('access-control-allow-credentials', 'true');
    response.setHeader('access-control-expose-headers', exposed);
    if (isPreflight) for (const [name, value] of Object.entries(allowed)) response.setHeader(name, value);
  }
  if (isPreflight) response.writeHead(204).end();
  return isPreflight;
}
