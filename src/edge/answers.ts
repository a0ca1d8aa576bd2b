import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { RequestOrigin } from './request-origin.ts';

/** Answers a request to one path. */
export type Handler = (
  request: IncomingMessage,
  response: ServerResponse,
  origin: RequestOrigin,
) => void | Promise<void>;

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  if (!response.hasHeader('content-type')) response.setHeader('content-type', 'application/json; charset=utf-8');
  response.statusCode = status;
  response.end(JSON.stringify(body));
}

/** Answers with a problem document (RFC 9457), `more` being what it says beside the status. */
export function sendProblem(
  response: ServerResponse,
  status: number,
  more: Readonly<Record<string, unknown>> = {},
): void {
  response.setHeader('content-type', 'application/problem+json; charset=utf-8');
  sendJson(response, status, { type: 'about:blank', title: STATUS_CODES[status], status, ...more });
}

/** Whether a pipeline to a response has ended because its client went away, which is no failure of ours. */
export function isClientGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE';
}

/** A handler that reads; any method but GET and HEAD gets 405. */
export function reading(handler: Handler): Handler {
  return (request, response, origin) => {
    if (request.method === 'GET' || request.method === 'HEAD') return handler(request, response, origin);
    response.setHeader('allow', 'GET, HEAD');
    return sendProblem(response, 405);
  };
}
