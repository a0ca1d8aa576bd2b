import type Stripe from 'stripe';
import type { Ctx } from '../../context.ts';
import { Forbidden, ServiceUnavailable } from '../../errors.ts';
import { type StripeAccount, stripeErrorCode } from '../../platform/stripe.ts';
import { encodeId } from '../../platform/typeid.ts';

/** Our account at Stripe. @throws Forbidden where none is set up */
export function requireStripe({ platform: { stripe } }: Ctx): StripeAccount {
  if (!stripe) throw new Forbidden('Payments are not set up on this server: it has no STRIPE_SECRET_KEY.');
  return stripe;
}

/**
 * Calls Stripe, never inside a transaction, and writes the one log line of the call. A job lets the error through and is tried
 * again; what a person waits for goes by `askStripe`.
 * @throws the error of the Stripe library
 */
export async function callStripe<T>(ctx: Ctx, name: string, call: (stripe: Stripe) => Promise<T>): Promise<T> {
  if (ctx.commitHooks) throw new Error('a call to Stripe inside a transaction');
  const { api } = requireStripe(ctx);
  const startedAt = performance.now();
  let outcome = 'ok';
  try {
    return await call(api);
  } catch (error) {
    outcome = stripeErrorCode(error);
    throw error;
  } finally {
    const durationMs = Math.round(performance.now() - startedAt);
    ctx.log.info({ ...callerOf(ctx), operationName: name, outcome, durationMs }, 'stripe call');
  }
}

/** As `callStripe`, for a person who waits. @throws ServiceUnavailable */
export async function askStripe<T>(ctx: Ctx, name: string, call: (stripe: Stripe) => Promise<T>): Promise<T> {
  try {
    return await callStripe(ctx, name, call);
  } catch (error) {
    throw new ServiceUnavailable('The payment service does not answer as it should. Try again in a moment.', {
      cause: new Error(`Stripe, ${name}: ${stripeErrorCode(error)}`),
    });
  }
}

function callerOf({ actor, origin }: Ctx) {
  const user = actor.kind === 'user' ? actor : null;
  return {
    requestId: origin.requestId,
    userId: user && encodeId('User', user.userId),
    sessionId: user && encodeId('Session', user.sessionId),
    apiKeyId: null,
    organizationId: user?.activeMembership ? encodeId('Organization', user.activeMembership.organizationId) : null,
  };
}
