import { randomUUID } from 'node:crypto';
import type { ExecutionArgs, GraphQLError } from 'graphql';
import { CloseCode, type Context, makeServer, type Server, type SubscribePayload } from 'graphql-ws';
import { WebSocket } from 'ws';
import type { RequestCtx } from '../context.ts';
import { AppError, ServiceUnavailable } from '../errors.ts';
import { authenticate, type Credentials, standingOf } from './authenticate.ts';
import { socketCookies } from './cookies.ts';
import { limits } from './limits.ts';
import {
  type Engine,
  executeOperation,
  type PreparedOperation,
  prepareOperation,
  refuseOperation,
} from './operation.ts';
import { logOperation, type OperationRecord, openRecord } from './operation-log.ts';
import { beginTrace, inTrace } from './operation-trace.ts';
import { codeOf, publicError } from './public-error.ts';
import type { RequestOrigin } from './request-origin.ts';

/** One socket and what runs on it. */
export interface Connection {
  readonly socket: WebSocket;
  readonly origin: RequestOrigin;
  /** By the message that asked for it, since a client may use its ids again; null while it is being prepared. */
  readonly running: Map<SubscribePayload, PreparedOperation | null>;
  /** As whom it was opened; null until then. */
  ctx: RequestCtx | null;
  /** Aborted when the socket has closed, which ends its queries. */
  readonly gone: AbortController;
  unwatch: (() => void) | null;
}

type SocketContext = Context<Record<string, unknown> | undefined, Connection>;

const initTimeoutMs = 10_000;

/** 1013 is the only one of these after which clients come back by themselves. */
const closeByCode: Readonly<Record<string, readonly [code: number, reason: string]>> = {
  UNAUTHENTICATED: [CloseCode.Unauthorized, 'Unauthorized'],
  NOT_FOUND: [CloseCode.Forbidden, 'Forbidden'],
  FORBIDDEN: [CloseCode.Forbidden, 'Forbidden'],
  RATE_LIMITED: [CloseCode.TooManyInitialisationRequests, 'Too many connections'],
  SERVICE_UNAVAILABLE: [1013, 'Try again later'],
};

/** graphql-transport-ws on our way of running an operation: the same rules as over HTTP, and a new context for each. */
export function socketProtocol(engine: Engine, isDraining: () => boolean): Server<Connection> {
  const run = (args: ExecutionArgs) => executeOperation(engine, args as PreparedOperation);
  return makeServer<Record<string, unknown> | undefined, Connection>({
    connectionInitWaitTimeout: initTimeoutMs,
    onConnect: (context) => admitSocket(engine, context),
    onSubscribe: (context, _, payload) => startOperation(engine, { context, payload, isDraining }),
    execute: run,
    subscribe: run,
    onComplete({ extra: { running } }, _, payload) {
      const operation = running.get(payload);
      running.delete(payload);
      if (operation) logOperation(engine.platform, operation.call.record);
    },
    onClose({ extra }) {
      extra.unwatch?.();
      extra.gone.abort();
    },
  });
}

async function admitSocket({ platform, watch }: Engine, { extra, connectionParams }: SocketContext): Promise<boolean> {
  const credentials = credentialsOf(connectionParams);
  try {
    extra.ctx = await authenticate(platform, credentials, { origin: extra.origin, cookies: socketCookies });
    const standing = await standingOf(platform, credentials, extra.ctx);
    // After the end of a token the client gets a new one, and a new socket with it.
    extra.unwatch = watch.watch({ ...standing, end: (code) => closeFor(extra.socket, code) });
    if (extra.socket.readyState !== WebSocket.OPEN) extra.unwatch();
    return true;
  } catch (error) {
    closeFor(extra.socket, codeOf(publicError(error, { log: platform.log, requestId: extra.origin.requestId })));
    return false;
  }
}

interface Start {
  readonly context: SocketContext;
  readonly payload: SubscribePayload;
  readonly isDraining: () => boolean;
}

async function startOperation(engine: Engine, start: Start): Promise<PreparedOperation | GraphQLError[]> {
  const { payload, context } = start;
  const { socket, origin, running } = context.extra;
  const record = openRecord(
    { ...origin, requestId: randomUUID() },
    'websocket',
    beginTrace(engine.platform.telemetry, payload.extensions),
  );
  const prepared = await inTrace(record, () => prepareOnSocket(engine, start, record));
  if (!Array.isArray(prepared)) {
    running.set(payload, prepared);
    return prepared;
  }
  running.delete(payload);
  logOperation(engine.platform, record);
  if (record.outcome === 'UNAUTHENTICATED') closeFor(socket, record.outcome);
  return prepared;
}

/** What is one too many is refused before it costs anything. */
async function prepareOnSocket(engine: Engine, { context, payload, isDraining }: Start, record: OperationRecord) {
  const { running, ctx } = context.extra;
  record.ctx = ctx;
  if (isDraining()) return refuseOperation(engine, record, new ServiceUnavailable());
  if (running.size >= limits.socketOperations) return refuseOperation(engine, record, tooMany());
  running.set(payload, null);
  return prepareOperation(engine, {
    query: payload.query,
    operationName: payload.operationName ?? null,
    variables: payload.variables ?? null,
    extensions: payload.extensions ?? null,
    credentials: credentialsOf(context.connectionParams),
    cookies: socketCookies,
    record,
    signal: context.extra.gone.signal,
    admit: () => {},
    tellCallsLeft: () => {},
  });
}

function tooMany(): AppError {
  const message = `At most ${limits.socketOperations} operations run on one socket at a time.`;
  return new AppError('RATE_LIMITED', message, { retryAfterSeconds: 1 });
}

/** `authorization` and `organizationId` or `x-organization-id`, in any case of letters. */
function credentialsOf(params: Record<string, unknown> = {}): Credentials {
  const given = new Map(Object.entries(params).map(([name, value]) => [name.toLowerCase(), value]));
  const text = (name: string) => String(given.get(name) ?? '') || null;
  return { authorization: text('authorization'), organizationId: text('organizationid') ?? text('x-organization-id') };
}

function closeFor(socket: WebSocket, code: string): void {
  socket.close(...(closeByCode[code] ?? [CloseCode.InternalServerError, 'Internal server error']));
}
