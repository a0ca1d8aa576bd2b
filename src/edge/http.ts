import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type GraphQLSchema, OperationTypeNode } from 'graphql';
import type { Config } from '../config.ts';
import { settleAll } from '../domains/quotas/call-leases.service.ts';
import type { Platform } from '../platform/platform.ts';
import { sendProblem } from './answers.ts';
import { applyCors } from './cors.ts';
import { createGraphqlServer } from './graphql-server.ts';
import { limits } from './limits.ts';
import { requestOriginReader } from './request-origin.ts';
import { createRouter, type OpenResponses } from './routes.ts';
import { createSocketServer, type SocketServer } from './ws.ts';

export interface HttpServer {
  /** The server's own address. */
  readonly url: string;
  /**
   * Stops accepting, lets what runs end, closes sockets with 1001, all within five seconds, and writes down what was used.
   * Calling it again is the same close.
   */
  close(): Promise<void>;
}

const drainTimeoutMs = 5_000;
/** How long a client may go on sending what nobody reads. */
const unreadLingerMs = 500;
const socketDrainTimeoutMs = 3_000;
/** What was spent since is not in the counters yet, and lost with a process that is killed: to the organization's favour. */
const settleEveryMs = 5_000;

/** A body may take as long as its route allows, an upload for hours; the reader of a body has its own time limit. */
const serverOptions = {
  headersTimeout: limits.headersTimeoutMs,
  requestTimeout: 0,
  connectionsCheckingInterval: 2_000,
  // Longer than the idle time of the usual balancers, so that it is they who close.
  keepAliveTimeout: 65_000,
};

/**
 * Serves the API on `config.server`.
 * @throws the error of `listen`, such as EADDRINUSE
 */
export async function startHttpServer(platform: Platform, schema: GraphQLSchema): Promise<HttpServer> {
  const { config, log } = platform;
  const originOf = requestOriginReader(config.trustedProxies);
  const pages = () => pagesOf(config, urlOf(server, config));
  const graphql = createGraphqlServer(platform, { schema, pages });
  const open: OpenResponses = new Map();
  let closing: Promise<void> | null = null;
  const isDraining = () => closing !== null;
  const handlerOf = createRouter({ platform, graphql, isDraining, open });

  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const origin = originOf(request);
    open.set(response, null);
    response.once('close', () => open.delete(response));
    response.once('finish', () => closeUnread(request));
    if (isDraining()) response.shouldKeepAlive = false;
    setHeaders(response, origin.requestId);
    if (applyCors(config.corsOrigins, request, response)) return;
    try {
      await handlerOf(request)(request, response, origin);
    } catch (error) {
      log.error({ err: error, requestId: origin.requestId }, 'a request failed');
      if (response.headersSent) response.destroy();
      else sendProblem(response, 500);
    }
  };
  const server = createServer(serverOptions, serve);
  // An upload says itself when it wants the bytes: a refusal comes before the first of them.
  server.on('checkContinue', (request, response) => {
    if (!request.url?.startsWith('/uploads/')) response.writeContinue();
    return serve(request, response);
  });
  const sockets = createSocketServer({ engine: graphql.engine, originOf, pages, isDraining });
  server.on('upgrade', sockets.upgrade);
  server.listen(config.server);
  await once(server, 'listening');
  platform.ownAddress.learn(urlOf(server, config));
  const settling = setInterval(() => void settleAll(platform), settleEveryMs).unref();
  const end = async () => {
    clearInterval(settling);
    // Most of it while requests end, so that little is left to do after the last one.
    await Promise.all([drain(server, sockets, open), settleAll(platform)]);
    await settleAll(platform, { giveBack: true });
  };
  return {
    url: urlOf(server, config),
    close() {
      closing ??= end().finally(graphql.engine.watch.close);
      return closing;
    },
  };
}

async function drain(server: Server, sockets: SocketServer, open: OpenResponses): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  for (const [response, record] of open) {
    if (record?.type === OperationTypeNode.SUBSCRIPTION) response.destroy();
    else if (!response.headersSent) response.shouldKeepAlive = false;
  }
  const force = setTimeout(() => server.closeAllConnections(), drainTimeoutMs);
  await sockets.drain(socketDrainTimeoutMs);
  await closed;
  clearTimeout(force);
}

/**
 * The rest of a body that nobody has read must not keep its connection. It is thrown away for a moment: closing at once
 * would take the answer from a client that is still sending.
 */
function closeUnread(request: IncomingMessage): void {
  if (request.complete || request.destroyed) return;
  request.resume();
  const timer = setTimeout(() => request.socket.destroySoon(), unreadLingerMs).unref();
  request.once('close', () => clearTimeout(timer));
}

function setHeaders(response: ServerResponse, requestId: string): void {
  response.setHeader('x-request-id', requestId);
  response.setHeader('x-content-type-options', 'nosniff');
  response.setHeader('referrer-policy', 'no-referrer');
  response.setHeader('content-security-policy', "default-src 'none'; frame-ancestors 'none'");
}

function urlOf(server: Server, { server: { host } }: Config): string {
  const { port } = server.address() as AddressInfo;
  const name = ['0.0.0.0', '::'].includes(host) ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  return `http://${name}:${port}`;
}

/** The pages that may open a socket and have a session in a cookie: those of the app, and our own. */
function pagesOf({ corsOrigins, publicApiUrl }: Config, url: string): string[] {
  const own = publicApiUrl ? [new URL(publicApiUrl).origin] : [url, `http://localhost:${new URL(url).port}`];
  return [...corsOrigins, ...own];
}
