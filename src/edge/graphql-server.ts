import type { IncomingMessage, ServerResponse } from 'node:http';
import type { DocumentNode, ExecutionResult, GraphQLSchema } from 'graphql';
import { createYoga, type GraphQLParams, isAsyncIterable, type Plugin } from 'graphql-yoga';
import { LRUCache } from 'lru-cache';
import type { Platform } from '../platform/platform.ts';
import { httpCookies } from './cookies.ts';
import { createCredentialWatch } from './credential-watch.ts';
import { type HttpCall, runOperation } from './http-operations.ts';
import { withStatus } from './http-status.ts';
import { limitPlugins } from './limits.ts';
import { type Engine, refuseOperation } from './operation.ts';
import type { OperationRecord } from './operation-log.ts';
import { isPlain, plainTypeOf, sendPlain } from './plain-answer.ts';
import { readParameters } from './request-parameters.ts';
import { documentReader } from './trusted-documents.ts';

/** One request, as our plugin finds it in Yoga's context. */
interface YogaCall extends HttpCall {
  /** What was read, or why it could not be; null for Yoga to ask for it. */
  readonly parameters: Promise<GraphQLParams> | null;
  /** Of what was run before Yoga was asked. */
  readonly result: ExecutionResult | null;
}

export interface GraphqlServer {
  readonly engine: Engine;
  /** Answers a request, and fills in its record. */
  handle(request: IncomingMessage, response: ServerResponse, record: OperationRecord): Promise<void>;
}

export interface GraphqlServerOptions {
  readonly schema: GraphQLSchema;
  /** Origins whose pages may have a session in a cookie. */
  readonly pages: () => readonly string[];
}

const documentCacheMaxChars = 16_000_000;

/** Yoga as the HTTP and SSE shell around our own way of running an operation, which sockets share. */
export function createGraphqlServer(platform: Platform, { schema, pages }: GraphqlServerOptions): GraphqlServer {
  const yoga = createYoga<YogaCall>({
    schema,
    plugins: [...limitPlugins(platform.config), operations(() => engine, pages)],
    parserAndValidationCache: {
      documentCache: boundedCache<DocumentNode>(),
      errorCache: boundedCache<Error>(),
      // See `mistakesIn`.
      validationCache: false,
    },
    maxRequestBodySize: false,
    multipart: false,
    maskedErrors: false,
    graphiql: false,
    landingPage: false,
    cors: false,
    logging: false,
  });
  const engine: Engine = {
    platform,
    enveloped: yoga.getEnveloped({}),
    watch: createCredentialWatch(platform),
    readDocument: documentReader(platform.config),
  };
  return {
    engine,
    async handle(req, res, record) {
      const type = plainTypeOf(req);
      const { parameters, result } = type === null ? nothing : await runPlain(engine, pages, { req, res, record });
      if (type !== null && result?.data && !result.errors) return sendPlain(res, type, result);
      // Yoga makes URLs of it. Nothing may depend on what a client puts there (F07).
      req.headers.host = 'localhost';
      await yoga.handle(req, res, { record, parameters, result });
    },
  };
}

const nothing: Pick<YogaCall, 'parameters' | 'result'> = { parameters: null, result: null };

/**
 * Runs the usual request, and leaves to Yoga what is none and every answer that says what went wrong: its own objects for a
 * request and an answer cost as much as a small query.
 */
async function runPlain(
  engine: Engine,
  pages: () => readonly string[],
  call: HttpCall,
): Promise<Pick<YogaCall, 'parameters' | 'result'>> {
  const parameters = parametersOf(engine, call.req);
  const params = await parameters.catch(() => null);
  if (!isPlain(params)) return { parameters, result: null };
  const gone = new AbortController();
  call.res.once('close', () => call.res.writableFinished || gone.abort());
  const cookies = httpCookies(call.req, call.res, pages);
  const running = { ...call, params, cookies, signal: gone.signal, preferStream: () => {} };
  // Without `Accept: text/event-stream` no stream is admitted.
  return { parameters, result: (await runOperation(engine, running)) as ExecutionResult };
}

/** By characters too: a document may have few tokens and be a megabyte. */
function boundedCache<Value extends object>() {
  const sizeCalculation = (_: Value, text: string) => text.length + 1;
  return new LRUCache<string, Value>({ max: 1_000, maxSize: documentCacheMaxChars, sizeCalculation });
}

function operations(engine: () => Engine, pages: () => readonly string[]): Plugin<object, YogaCall> {
  return {
    onRequestParse({ serverContext: { parameters, req }, setRequestParser }) {
      setRequestParser(() => parameters ?? parametersOf(engine(), req));
    },
    onParams({ context: { result }, setResult, setParamsHandler }) {
      if (result) return setResult(result);
      setParamsHandler(({ params, request, context }) => {
        const cookies = httpCookies(context.req, context.res, pages);
        // Yoga would prefer multipart, where a client names both.
        const preferStream = () => request.headers.set('accept', 'text/event-stream');
        return runOperation(engine(), { ...context, params, cookies, signal: request.signal, preferStream });
      });
    },
    onResultProcess({ result, setResult, serverContext: { record } }) {
      if (Array.isArray(result) || isAsyncIterable(result)) return;
      setResult(withStatus(record.outcome === null ? refusedEarly(engine(), record, result) : result));
    },
  };
}

async function parametersOf(engine: Engine, request: IncomingMessage): Promise<GraphQLParams> {
  return withDocumentId(engine, await readParameters(request));
}

/** Yoga wants a text, also where a document is named by its id. */
function withDocumentId({ readDocument }: Engine, parameters: unknown): GraphQLParams {
  const { documentId, ...rest } = (parameters ?? {}) as GraphQLParams & { documentId?: unknown };
  const isById = documentId !== undefined || rest.extensions?.persistedQuery !== undefined;
  if (!readDocument || !isById) return parameters as GraphQLParams;
  return { ...rest, query: rest.query ?? '', extensions: { documentId, ...rest.extensions } };
}

/** What Yoga, or the reading of the parameters, has thrown before there was an operation. */
function refusedEarly(engine: Engine, record: OperationRecord, { errors = [] }: ExecutionResult): ExecutionResult {
  return { errors: errors.flatMap((error) => refuseOperation(engine, record, error)) };
}
