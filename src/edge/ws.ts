import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { OperationTypeNode } from 'graphql';
import { CloseCode, handleProtocols, type Server } from 'graphql-ws';
import { WebSocket, WebSocketServer } from 'ws';
import type { Logger } from '../platform/log.ts';
import { limits } from './limits.ts';
import type { Engine } from './operation.ts';
import type { RequestOrigin } from './request-origin.ts';
import { type Connection, socketProtocol } from './socket-operations.ts';

export interface SocketServer {
  /** Takes over a connection that asks for a WebSocket, or refuses it. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Lets queries and mutations end, at most `timeoutMs`, then closes every socket with 1001. */
  drain(timeoutMs: number): Promise<void>;
}

export interface SocketServerOptions {
  readonly engine: Engine;
  readonly originOf: (request: IncomingMessage) => RequestOrigin;
  /** Pages that may open a socket (cross-site WebSocket hijacking). What is no browser sends no Origin. */
  readonly pages: () => readonly string[];
  readonly isDraining: () => boolean;
}

const pingIntervalMs = 15_000;
const closeTimeoutMs = 1_000;
const pollMs = 20;

/** WebSockets at `/graphql`, graphql-transport-ws only. */
export function createSocketServer({ engine, originOf, pages, isDraining }: SocketServerOptions): SocketServer {
  const { log } = engine.platform;
  const connections = new Set<Connection>();
  const protocol = socketProtocol(engine, isDraining);
  const sockets = new WebSocketServer({ noServer: true, maxPayload: limits.frameMaxBytes, handleProtocols });
  sockets.on('headers', (headers, request) => headers.push(`X-Request-Id: ${request.headers['x-request-id']}`));

  return {
    upgrade(request, socket, head) {
      const origin = originOf(request);
      request.headers['x-request-id'] = origin.requestId;
      const status = isDraining() ? 503 : refusalOf(request, pages());
      if (status !== null) return refuse(socket, status, origin);
      return sockets.handleUpgrade(request, socket, head, (webSocket) => {
        const gone = new AbortController();
        const connection: Connection = {
          socket: webSocket,
          origin,
          running: new Map(),
          ctx: null,
          gone,
          unwatch: null,
        };
        connections.add(connection);
        webSocket.once('close', () => connections.delete(connection));
        keepAlive(webSocket);
        connect(protocol, connection, log);
      });
    },
    async drain(timeoutMs) {
      await until(() => ![...connections].some(isBusy), timeoutMs);
      for (const { socket } of connections) socket.close(1001, 'Going away');
      await until(() => connections.size === 0, closeTimeoutMs);
      for (const { socket } of connections) socket.terminate();
    },
  };
}

function refusalOf(request: IncomingMessage, pages: readonly string[]): number | null {
  if (request.url?.split('?')[0] !== '/graphql') return 404;
  const { origin } = request.headers;
  return origin === undefined || pages.includes(origin) ? null : 403;
}

function refuse(socket: Duplex, status: number, { requestId }: RequestOrigin): void {
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Connection: close',
    'Content-Length: 0',
    `X-Request-Id: ${requestId}`,
  ];
  socket.on('error', () => socket.destroy());
  socket.end(`${lines.join('\r\n')}\r\n\r\n`);
}

/** Joins a socket and the protocol. Whatever goes wrong in it ends this socket alone. */
function connect(protocol: Server<Connection>, connection: Connection, log: Logger): void {
  const { socket, origin } = connection;
  const fail = (error: unknown) => {
    const isForeign = error instanceof Error && error.message.startsWith('Unexpected message of type');
    if (isForeign) return socket.close(CloseCode.BadRequest, 'Invalid message');
    log.error({ err: error, requestId: origin.requestId }, 'a socket failed');
    return socket.close(CloseCode.InternalServerError, 'Internal server error');
  };
  const isOneTooMany = frameCounter();
  const closed = protocol.opened(
    {
      protocol: socket.protocol,
      send: (text) => send(socket, text),
      close: (code, reason) => socket.close(code, reason),
      onMessage: (take) =>
        socket.on('message', (message) => {
          if (isOneTooMany()) return socket.close(CloseCode.TooManyInitialisationRequests, 'Too many messages');
          return void take(message.toString()).catch(fail);
        }),
    },
    connection,
  );
  socket.once('close', (code, reason) => void closed(code, reason.toString()).catch(fail));
  // A frame that breaks the protocol or is too large; ws closes with the code for it.
  socket.on('error', (error) => log.debug({ err: error, requestId: origin.requestId }, 'a socket broke off'));
}

/** Cuts a client off that does not read, before what waits for it fills the memory. */
async function send(socket: WebSocket, text: string): Promise<void> {
  if (socket.bufferedAmount > limits.unreadMaxBytes) socket.terminate();
  const { promise, resolve } = Promise.withResolvers<void>();
  if (socket.readyState === WebSocket.OPEN) socket.send(text, () => resolve());
  else resolve();
  return promise;
}

function frameCounter(): () => boolean {
  let frames = 0;
  let endsAtMs = 0;
  return () => {
    const nowMs = performance.now();
    if (nowMs >= endsAtMs) [frames, endsAtMs] = [0, nowMs + limits.frameWindowMs];
    frames += 1;
    return frames > limits.frames;
  };
}

/** Ends a socket whose peer has not answered the last ping. */
function keepAlive(socket: WebSocket): void {
  let isAlive = true;
  const ping = () => {
    if (!isAlive) return socket.terminate();
    isAlive = false;
    return socket.ping();
  };
  const timer = setInterval(ping, pingIntervalMs).unref();
  socket.on('pong', () => {
    isAlive = true;
  });
  socket.once('close', () => clearInterval(timer));
}

function isBusy({ running }: Connection): boolean {
  return [...running.values()].some((operation) => operation?.type !== OperationTypeNode.SUBSCRIPTION);
}

async function until(condition: () => boolean, timeoutMs: number): Promise<void> {
  for (const deadline = performance.now() + timeoutMs; !condition() && performance.now() < deadline; )
    await delay(pollMs);
}
