import type { IncomingMessage, ServerResponse } from 'node:http';
import { OperationTypeNode } from 'graphql';
import { auditExportPath } from '../domains/audit-exports/audit-export-grant.ts';
import type { Platform } from '../platform/platform.ts';
import { type Handler, reading, sendJson, sendProblem } from './answers.ts';
import { auditExportRoute } from './audit-export.ts';
import { downloadRoute } from './downloads.ts';
import { sendGraphiql, wantsGraphiql } from './graphiql.ts';
import type { GraphqlServer } from './graphql-server.ts';
import { readinessReader } from './health.ts';
import { mailboxRoute } from './mailbox.ts';
import { logOperation, type OperationRecord, openRecord } from './operation-log.ts';
import { beginTrace, inTrace } from './operation-trace.ts';
import { stripeRoute } from './stripe-webhook.ts';
import { tusRoute } from './tus.ts';
import { uploadRoute } from './uploads.ts';

export interface RouteOptions {
  readonly platform: Platform;
  readonly graphql: GraphqlServer;
  readonly isDraining: () => boolean;
  readonly open: OpenResponses;
}

/** What is being answered, with the record where it is an operation. */
export type OpenResponses = Map<ServerResponse, OperationRecord | null>;

/** Finds the handler of a request by its path; 404 for all that is not served. */
export function createRouter(options: RouteOptions): (request: IncomingMessage) => Handler {
  const { platform, isDraining } = options;
  const { config, accessTokens } = platform;
  const readiness = readinessReader(platform, isDraining);
  const mailbox = mailboxRoute(platform);
  const routes = new Map<string, Handler>([
    ['/graphql', graphqlRoute(options)],
    ['/health/live', reading((_, response) => sendJson(response, 200, { status: 'live' }))],
    [
      '/health/ready',
      reading(async (_, response) => {
        const state = await readiness();
        sendJson(response, state.status === 'ready' ? 200 : 503, state);
      }),
    ],
    [
      '/.well-known/jwks.json',
      reading((_, response) => {
        response.setHeader('cache-control', 'public, max-age=300');
        sendJson(response, 200, accessTokens.jwks);
      }),
    ],
  ]);
  routes.set(auditExportPath, auditExportRoute(platform));
  const stripe = stripeRoute(platform);
  if (stripe) routes.set('/webhooks/stripe', stripe);
  if (mailbox) for (const path of ['/dev/mailbox', '/dev/mailbox.json']) routes.set(path, mailbox);
  if (config.graphiql) routes.set('/', reading(leadToGraphiql));
  const upload = uploadRoute(platform);
  const tus = tusRoute(platform);
  const download = downloadRoute(platform);
  return (request) => {
    const path = request.url?.split('?')[0] ?? '';
    if (path.startsWith('/uploads/tus/')) return tus;
    if (path.startsWith('/uploads/')) return upload;
    if (path.startsWith('/files/')) return download;
    return routes.get(path) ?? ((_, response) => sendProblem(response, 404));
  };
}

function leadToGraphiql(_: IncomingMessage, response: ServerResponse): void {
  response.writeHead(302, { location: '/graphql' }).end();
}

function graphqlRoute({ platform, graphql, open }: RouteOptions): Handler {
  return async (request, response, origin) => {
    if (platform.config.graphiql && wantsGraphiql(request)) return sendGraphiql(response);
    const isStream = request.headers.accept?.includes('text/event-stream') ?? false;
    const record = openRecord(origin, isStream ? 'sse' : 'http', beginTrace(platform.telemetry, request.headers));
    open.set(response, record);
    response.setHeader('cache-control', 'no-store');
    response.once('close', () => {
      record.outcome = outcomeOf(record, response);
      logOperation(platform, record);
    });
    return inTrace(record, () => graphql.handle(request, response, record));
  };
}

/** A client that went away before its answer was there has none. */
function outcomeOf({ outcome, type }: OperationRecord, response: ServerResponse): string {
  const hasAnswer = outcome !== null && (response.writableFinished || type === OperationTypeNode.SUBSCRIPTION);
  return hasAnswer ? outcome : 'CANCELED';
}
