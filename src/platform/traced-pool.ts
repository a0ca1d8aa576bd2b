import { context, SpanKind, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api';
import pg from 'pg';
import { errorType } from './telemetry.ts';

type Run = (...args: unknown[]) => unknown;
type Callback = (error: unknown, result?: unknown) => void;

/**
 * A pool whose statements are spans of what runs them; what nothing traced has asked for makes none. The text has its
 * placeholders, never the values.
 */
export function createTracedPool(config: pg.PoolConfig, tracer: Tracer): pg.Pool {
  class TracedClient extends pg.Client {
    constructor(config?: string | pg.ClientConfig) {
      super(config);
      this.query = traced(tracer, this.query.bind(this) as Run) as typeof this.query;
    }
  }
  const pool = new pg.Pool({ ...config, Client: TracedClient });
  const connect = pool.connect.bind(pool) as Run;
  // A caller that waits for a connection is served from the context of whoever gives one back.
  pool.connect = ((callback?: Callback) =>
    callback ? connect(context.bind(context.active(), callback)) : connect()) as typeof pool.connect;
  return pool;
}

function traced(tracer: Tracer, run: Run): Run {
  return (...args) => {
    if (!trace.getActiveSpan()) return run(...args);
    const end = beginStatement(tracer, textOf(args[0]));
    const callback = args.at(-1);
    if (typeof callback === 'function') {
      const told: Callback = (error, result) => {
        end(error);
        (callback as Callback)(error, result);
      };
      return run(...args.slice(0, -1), told);
    }
    const running = run(...args);
    if (running instanceof Promise) running.then(() => end(null), end);
    else end(null);
    return running;
  };
}

function beginStatement(tracer: Tracer, text: string): (error: unknown) => void {
  const name = /^\s*(\w+)/.exec(text)?.[1]?.toUpperCase() ?? 'SQL';
  const attributes = { 'db.system.name': 'postgresql', 'db.operation.name': name, 'db.query.text': text };
  const span = tracer.startSpan(name, { kind: SpanKind.CLIENT, attributes });
  return (error) => {
    if (error) span.setStatus({ code: SpanStatusCode.ERROR }).setAttribute('error.type', errorType(error));
    span.end();
  };
}

function textOf(statement: unknown): string {
  if (typeof statement === 'string') return statement;
  return String((statement as { text?: unknown } | null)?.text ?? '');
}
