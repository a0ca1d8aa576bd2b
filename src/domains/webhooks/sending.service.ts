import type { Ctx } from '../../context.ts';
import type { WebhookDelivery, WebhookEndpoint, WebhookEvent } from '../../generated/prisma/client.ts';
import { type Answer, DestinationRefused } from '../../platform/safe-http.ts';
import { encodeId } from '../../platform/typeid.ts';
import { headersOf, secretsOf } from './endpoint-access.service.ts';
import { signedHeaders, withoutSecrets } from './webhook-secret.ts';

const timeoutMs = 15_000;

/** A delivery that this process holds, with all that is needed to send it. */
export type HeldDelivery = WebhookDelivery & { readonly endpoint: WebhookEndpoint; readonly event: WebhookEvent };

/** Why an attempt failed, as its owner sees it. It tells no address and nothing of our network. */
export type Failure =
  | 'TIMEOUT'
  | 'DNS_FAILED'
  | 'TLS_FAILED'
  | 'CONNECTION_FAILED'
  | 'DESTINATION_NOT_ALLOWED'
  | 'REDIRECT'
  | 'HTTP_STATUS';

/** What came of one attempt. */
export interface Outcome {
  readonly at: Date;
  readonly durationMs: number;
  readonly statusCode: number | null;
  /** Null for a success. */
  readonly failure: Failure | null;
  readonly retryAfter: string | null;
  readonly snippet: string | null;
}

/** Makes one attempt. What the receiver does wrong is an outcome; null when `signal` broke the attempt off. */
export async function attempt(ctx: Ctx, delivery: HeldDelivery, signal: AbortSignal): Promise<Outcome | null> {
  const at = ctx.now();
  const post = requestOf(ctx, delivery, at);
  const startedAt = performance.now();
  const durationMs = () => Math.round(performance.now() - startedAt);
  try {
    const answer = await ctx.platform.safeHttp.post({ ...post, timeoutMs, signal });
    return { at, durationMs: durationMs(), ...verdictOn(answer) };
  } catch (error) {
    if (signal.aborted) return null;
    const failure = failureOf(error);
    ctx.log.debug({ err: error, webhookDeliveryId: delivery.id }, 'a webhook was not delivered');
    return { at, durationMs: durationMs(), statusCode: null, failure, retryAfter: null, snippet: null };
  }
}

function requestOf(ctx: Ctx, { event, endpoint }: HeldDelivery, sentAt: Date) {
  const body = event.payload;
  const id = encodeId('WebhookEvent', event.id);
  const headers = {
    ...headersOf(ctx, endpoint),
    'content-type': 'application/json',
    'user-agent': 'Gatehouse-Webhooks',
    ...signedHeaders(secretsOf(ctx, endpoint), { id, sentAt, body }),
  };
  return { url: endpoint.url, headers, body };
}

function verdictOn({
  statusCode,
  retryAfter,
  body,
}: Answer): Pick<Outcome, 'statusCode' | 'failure' | 'retryAfter' | 'snippet'> {
  // PostgreSQL's text holds no NUL.
  const snippet = withoutSecrets(body.replaceAll('\0', '\uFFFD'));
  const isSuccess = statusCode >= 200 && statusCode < 300;
  const isRedirect = statusCode >= 300 && statusCode < 400;
  return { statusCode, failure: isSuccess ? null : isRedirect ? 'REDIRECT' : 'HTTP_STATUS', retryAfter, snippet };
}

const byCode: readonly [RegExp, Failure][] = [
  [/^(ENOTFOUND|EAI_AGAIN|ENODATA)$/, 'DNS_FAILED'],
  [/TIMEOUT|ETIMEDOUT/, 'TIMEOUT'],
  [/^ERR_(TLS|SSL)|CERT|^UNABLE_TO|SELF_SIGNED/, 'TLS_FAILED'],
];

/** The class of what went wrong on the way. */
export function failureOf(error: unknown): Failure {
  if (error instanceof DestinationRefused) return 'DESTINATION_NOT_ALLOWED';
  const { name = '', code = '' } = (error ?? {}) as { name?: string; code?: unknown };
  if (name === 'TimeoutError') return 'TIMEOUT';
  return byCode.find(([pattern]) => pattern.test(String(code)))?.[1] ?? 'CONNECTION_FAILED';
}
