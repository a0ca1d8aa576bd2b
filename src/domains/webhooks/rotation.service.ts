import { z } from 'zod';
import type { Ctx } from '../../context.ts';
import { Conflict, parseInput } from '../../errors.ts';
import type { WebhookEndpoint } from '../../generated/prisma/client.ts';
import { enqueue } from '../../jobs/queue.ts';
import { transact } from '../../platform/db.ts';
import { lockEndpoint, sealFor, secretsOf } from './endpoint-access.service.ts';
import { tellAdmins } from './endpoint-state.service.ts';
import { auditEndpoint, type EndpointSecret } from './endpoints.service.ts';
import { newWebhookSecret, secretHintOf } from './webhook-secret.ts';

const hourMs = 3_600_000;
const Overlap = z.object({
  overlapHours: z.int().min(0, 'Use no less than 0 hours.').max(168, 'The old secret works for a week at most.'),
});

/**
 * Gives an endpoint a new secret. Both sign until the overlap ends; by then the receiver must have answered a challenge with
 * the new one, which is sent at once, or the endpoint is paused. Without an overlap it is paused until then.
 * @throws Conflict while an earlier overlap lasts; ValidationFailed, NotFound
 */
export async function rotateSecret(
  ctx: Ctx,
  input: { endpointId: string; overlapHours: number },
): Promise<EndpointSecret> {
  const { endpointId } = input;
  const { overlapHours } = parseInput(Overlap, input);
  const secret = newWebhookSecret();
  await transact(ctx, async (ctx) => {
    const endpoint = await lockEndpoint(ctx, endpointId);
    if (overlapLasts(ctx, endpoint))
      throw new Conflict('The secret before this one still works. Wait for its end.', 'id');
    await ctx.db.webhookEndpoint.update({
      where: { id: endpointId },
      data: {
        secret: sealFor(ctx, endpoint, { column: 'secret', value: secret }),
        secretHint: secretHintOf(secret),
        proofVersion: endpoint.proofVersion + 1,
        verifiedAt: null,
        ...overlapColumns(ctx, endpoint, overlapHours),
      },
    });
    await enqueue(ctx, 'webhook.challenge', { endpointId });
    if (endpoint.status === 'ENABLED' && overlapHours === 0)
      await tellAdmins(ctx, endpoint, { type: 'webhookEndpoint.failing', reason: 'unverified' });
    await auditEndpoint(ctx, { endpoint, action: 'secretRotated', metadata: { overlapHours } });
  });
  return { endpointId, secret };
}

function overlapLasts(ctx: Ctx, { previousSecretExpiresAt }: WebhookEndpoint): boolean {
  return previousSecretExpiresAt !== null && previousSecretExpiresAt > ctx.now();
}

function overlapColumns(ctx: Ctx, endpoint: WebhookEndpoint, overlapHours: number) {
  const endsAt = new Date(ctx.now().getTime() + overlapHours * hourMs);
  const isReceiving = endpoint.status === 'ENABLED';
  if (overlapHours === 0) {
    const paused = isReceiving && { status: 'PAUSED' as const };
    return { previousSecret: null, previousSecretExpiresAt: null, reverifyBy: isReceiving ? endsAt : null, ...paused };
  }
  const [newestUntilNow] = secretsOf(ctx, endpoint);
  return {
    previousSecret: sealFor(ctx, endpoint, { column: 'previous_secret', value: newestUntilNow }),
    previousSecretExpiresAt: endsAt,
    reverifyBy: isReceiving ? endsAt : null,
  };
}
