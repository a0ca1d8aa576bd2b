import type { IncomingMessage } from 'node:http';
import { AppError } from '../errors.ts';
import { limits } from './limits.ts';

/** A request that is none of GraphQL over HTTP, with the status that says so. */
export function badRequest(status: number, message: string, headers: Record<string, string> = {}): AppError {
  return new AppError('BAD_USER_INPUT', message, { http: { status, headers } });
}

/**
 * The parameters of a GraphQL request, from the query string of a GET or the JSON body of a POST. Yoga can read them
 * too, but its limit for the size of a body costs more than the rest of its work.
 * @throws AppError with status 415, 413, 408 (too slow) or 400
 */
export async function readParameters(request: IncomingMessage): Promise<unknown> {
  if (request.method === 'GET') return readQueryString(request.url ?? '');
  const type = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json') throw badRequest(415, 'The body must be application/json.');
  const parameters = parseJson((await readBody(request)).toString('utf8'), 'The body') as {
    operationName?: unknown;
  } | null;
  // The one that Yoga does not check.
  const operationName = parameters?.operationName ?? '';
  if (typeof operationName !== 'string') throw badRequest(400, '`operationName` must be a string.');
  return parameters;
}

function readQueryString(url: string): Record<string, unknown> {
  const given = new URLSearchParams(url.includes('?') ? url.slice(url.indexOf('?')) : '');
  const parameters: Record<string, unknown> = {};
  for (const name of ['query', 'operationName']) parameters[name] = given.get(name) || undefined;
  for (const name of ['variables', 'extensions']) {
    const value = given.get(name);
    parameters[name] = value ? parseJson(value, name) : undefined;
  }
  return parameters;
}

function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw badRequest(400, `${what} is not JSON.`);
  }
}

/** The bytes of a body as they came. @throws AppError with status 413, 408 (too slow) or 400 */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const tooLarge = () =>
    badRequest(413, `The body is larger than ${limits.bodyMaxBytes} bytes.`, { connection: 'close' });
  if (Number(request.headers['content-length']) > limits.bodyMaxBytes) throw tooLarge();
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const tooSlow = () => reject(badRequest(408, 'The body came too slowly.', { connection: 'close' }));
  const timer = setTimeout(tooSlow, limits.bodyTimeoutMs);
  const chunks: Buffer[] = [];
  let size = 0;
  const take = (chunk: Buffer) => {
    size += chunk.length;
    chunks.push(chunk);
    if (size > limits.bodyMaxBytes) reject(tooLarge());
  };
  const cut = () => reject(badRequest(400, 'The body ended too early.'));
  request.on('data', take);
  request.once('end', () => {
    request.off('close', cut);
    resolve(Buffer.concat(chunks));
  });
  request.once('close', cut);
  return promise.finally(() => {
    clearTimeout(timer);
    request.off('data', take);
  });
}
