import { systemCtx } from '../context.ts';
import { keepStripeEvent } from '../domains/billing/stripe-events.service.ts';
import { AppError } from '../errors.ts';
import type { Platform } from '../platform/platform.ts';
import { type StripeAccount, verifiedEvent } from '../platform/stripe.ts';
import { type Handler, sendJson, sendProblem } from './answers.ts';
import { readBody } from './request-parameters.ts';

/**
 * `POST /webhooks/stripe`: 200 for an event that is kept, a copy too; 400 for what Stripe has not signed within five minutes of
 * now, or is of the other mode (live or test); 500 for what could not be kept, so that Stripe sends it again. Null without
 * Stripe.
 */
export function stripeRoute(platform: Platform): Handler | null {
  const { stripe } = platform;
  if (!stripe || stripe.webhookSecrets.length === 0) return null;
  return async (request, response, { requestId }) => {
    if (request.method !== 'POST') {
      response.setHeader('allow', 'POST');
      return sendProblem(response, 405);
    }
    const log = platform.log.child({ requestId });
    try {
      const payload = await readBody(request);
      const signature = String(request.headers['stripe-signature'] ?? '');
      const event = goodEvent(stripe, { payload, signature, now: platform.now() });
      log.info({ stripeEvent: event?.id ?? null, eventType: event?.type ?? null }, 'stripe event');
      if (!event) return sendProblem(response, 400);
      await keepStripeEvent(systemCtx(platform, log), event);
      return sendJson(response, 200, { received: true });
    } catch (error) {
      const status = error instanceof AppError ? (error.details.http as { status: number }).status : 500;
      if (status === 500) log.error({ err: error }, 'an event of Stripe was not kept');
      return sendProblem(response, status);
    }
  };
}

function goodEvent(stripe: StripeAccount, delivery: Parameters<typeof verifiedEvent>[1]) {
  const event = verifiedEvent(stripe, delivery);
  return event?.livemode === stripe.isLive ? event : null;
}
