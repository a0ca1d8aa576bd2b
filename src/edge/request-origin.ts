import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { RequestCtx } from '../context.ts';
import { clientAddressReader } from './client-address.ts';

export type RequestOrigin = RequestCtx['origin'];

const acceptableRequestId = /^[A-Za-z0-9_-]{8,64}$/;
const userAgentMaxChars = 400;

/** Tells where a request comes from. Its id is the client's own `X-Request-Id` where that is harmless, else a new UUID. */
export function requestOriginReader(trustedProxies: readonly string[]): (request: IncomingMessage) => RequestOrigin {
  const addressOf = clientAddressReader(trustedProxies);
  return (request) => ({
    requestId: requestIdOf(request.headers['x-request-id']),
    ipAddress: addressOf(request),
    userAgent: request.headers['user-agent']?.slice(0, userAgentMaxChars) ?? null,
  });
}

function requestIdOf(given: string | string[] | undefined): string {
  return typeof given === 'string' && acceptableRequestId.test(given) ? given : randomUUID();
}
