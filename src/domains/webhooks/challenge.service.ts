import type { Ctx } from '../../context.ts';
import { NotFound, VerificationFailed } from '../../errors.ts';
import type { WebhookEndpoint } from '../../generated/prisma/client.ts';
import { enqueue } from '../../jobs/queue.ts';
import { transact } from '../../platform/db.ts';
import { limit } from '../../platform/rate-limit.ts';
import type { Answer } from '../../platform/safe-http.ts';
import { newSecret, sameBytes } from '../../platform/tokens.ts';
import { encodeId, newId } from '../../platform/typeid.ts';
import { headersOf, holdEndpoint, secretsOf } from './endpoint-access.service.ts';
import { auditEndpoint } from './endpoints.service.ts';
import { failureOf } from './sending.service.ts';
import { proofOf, signedHeaders } from './webhook-secret.ts';

const timeoutMs = 10_000;
const releaseSpreadSecondsMax = 60;

/** Asks the receiver now to prove that it holds the newest secret. @throws VerificationFailed, RateLimited, NotFound */
export async function verifyEndpoint(
  ctx: Ctx,
  { endpointId }: { endpointId: string },
): Promise<{ endpointId: string }> {
  await limit(ctx, { name: 'webhookRequest', key: endpointId });
  const endpoint = await ctx.db.webhookEndpoint.findUnique({ where: { id: endpointId } });
  if (!endpoint) throw new NotFound();
  await challenge(ctx, endpoint, new AbortController().signal);
  return { endpointId };
}

/** As `verifyEndpoint`, for a job: a receiver that does not prove it is asked again when somebody wants it. */
export async function challengeEndpoint(ctx: Ctx, endpointId: string, signal: AbortSignal): Promise<void> {
  const endpoint = await ctx.db.webhookEndpoint.findUnique({ where: { id: endpointId } });
  if (!endpoint) return;
  try {
    await challenge(ctx, endpoint, signal);
  } catch (error) {
    if (!(error instanceof VerificationFailed)) throw error;
    ctx.log.info({ webhookEndpointId: endpointId, reason: error.reason }, 'a webhook receiver did not prove itself');
  }
}

/** No transaction is open while the receiver thinks. */
async function challenge(ctx: Ctx, endpoint: WebhookEndpoint, signal: AbortSignal): Promise<void> {
  const [newest] = secretsOf(ctx, endpoint);
  const question = newSecret();
  const answer = await ask(ctx, { endpoint, secret: newest, question, signal });
  if (answer.statusCode !== 200) throw new VerificationFailed(`The receiver answered ${answer.statusCode}, not 200.`);
  const expected = Buffer.from(proofOf(newest, question));
  if (!sameBytes(Buffer.from(responseIn(answer.body)), expected))
    throw new VerificationFailed('The receiver’s answer does not prove that it holds the newest secret.');
  await accept(ctx, endpoint);
}

async function ask(
  ctx: Ctx,
  {
    endpoint,
    secret,
    question,
    signal,
  }: { endpoint: WebhookEndpoint; secret: string; question: string; signal: AbortSignal },
): Promise<Answer> {
  const sentAt = ctx.now();
  const data = { challenge: question };
  const body = JSON.stringify({ type: 'endpoint.verification', timestamp: sentAt.toISOString(), data });
  const id = encodeId('WebhookEvent', newId());
  const headers = {
    ...headersOf(ctx, endpoint),
    'content-type': 'application/json',
    'user-agent': 'Gatehouse-Webhooks',
    ...signedHeaders([secret], { id, sentAt, body }),
  };
  try {
    return await ctx.platform.safeHttp.post({ url: endpoint.url, headers, body, timeoutMs, signal });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new VerificationFailed(`The receiver could not be asked: ${failureOf(error)}.`);
  }
}

function responseIn(body: string): string {
  try {
    const { response } = JSON.parse(body) as { response?: unknown };
    return typeof response === 'string' ? response : '';
  } catch {
    return '';
  }
}

/** Counts only if URL and secret are still those that were asked about. What was held goes out spread over a while. */
async function accept(ctx: Ctx, { id, proofVersion }: WebhookEndpoint): Promise<void> {
  await transact(ctx, async (ctx) => {
    const endpoint = await holdEndpoint(ctx, id);
    if (endpoint?.proofVersion !== proofVersion) throw new VerificationFailed('URL or secret have changed meanwhile.');
    const now = ctx.now();
    await ctx.db.webhookEndpoint.update({
      where: { id },
      data: {
        verifiedAt: now,
        reverifyBy: null,
        receivesSince: endpoint.receivesSince ?? now,
        status: endpoint.status === 'DISABLED' ? 'DISABLED' : 'ENABLED',
      },
    });
    await release(ctx, endpoint);
    await auditEndpoint(ctx, { endpoint, action: 'verified' });
  });
}

async function release(ctx: Ctx, { id }: WebhookEndpoint): Promise<void> {
  const now = ctx.now();
  const held = await ctx.db.webhookDelivery.count({
    where: { endpointId: id, status: 'PENDING', dueAt: { lte: now } },
  });
  if (held === 0) return;
  const spread = Math.min(held / 2, releaseSpreadSecondsMax);
  await ctx.db.$executeRaw`
    UPDATE webhook_deliveries SET due_at = ${now}::timestamptz + random() * ${spread}::float8 * interval '1 second'
    WHERE endpoint_id = ${id}::uuid AND status = 'PENDING' AND due_at <= ${now}::timestamptz`;
  await enqueue(ctx, 'webhook.deliver', {});
}
