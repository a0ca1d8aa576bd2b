import Stripe from 'stripe';
import type { StripeConfig } from '../stripe.config.ts';

/** Our account at Stripe, as this process reaches it. */
export interface StripeAccount {
  readonly api: Stripe;
  /** Whether its key moves real money; events must be of the same kind. */
  readonly isLive: boolean;
  readonly webhookSecrets: readonly string[];
  /** By plan. */
  readonly prices: ReadonlyMap<string, string>;
}

const timeoutMs = 8_000;
/** How far the clock of a signature may be from ours, in both directions. */
const toleranceSeconds = 300;

export function createStripe(config: StripeConfig | null): StripeAccount | null {
  if (!config) return null;
  const { protocol, hostname, port } = new URL(config.apiBase);
  const api = new Stripe(config.secretKey, {
    protocol: protocol === 'http:' ? 'http' : 'https',
    host: hostname,
    port: port || (protocol === 'http:' ? '80' : '443'),
    timeout: timeoutMs,
    maxNetworkRetries: 2,
    telemetry: false,
  });
  const isLive = /^(sk|rk)_live_/.test(config.secretKey);
  return { api, isLive, webhookSecrets: config.webhookSecrets, prices: config.prices };
}

/** The event in the very bytes that Stripe has signed with one of our secrets within five minutes of now; null for any other. */
export function verifiedEvent(
  { api, webhookSecrets }: StripeAccount,
  { payload, signature, now }: { payload: Buffer; signature: string; now: Date },
): Stripe.Event | null {
  for (const secret of webhookSecrets) {
    try {
      const event = api.webhooks.constructEvent(payload, signature, secret, toleranceSeconds, undefined, now.getTime());
      // The library looks for old signatures only.
      const signedAt = Number(/(?:^|,)t=(\d+)/.exec(signature)?.[1]);
      return signedAt <= now.getTime() / 1000 + toleranceSeconds ? event : null;
    } catch {
      // Whatever the library cannot read, or does not believe, was not sent by Stripe with this secret.
    }
  }
  return null;
}

/** Whether Stripe says that it does not have what was named. */
export function isMissingAtStripe(error: unknown): boolean {
  return error instanceof Stripe.errors.StripeInvalidRequestError && error.code === 'resource_missing';
}

/** What a log may say of a failed call: the code that Stripe or the library gives it. */
export function stripeErrorCode(error: unknown): string {
  return error instanceof Stripe.errors.StripeError ? (error.code ?? error.type) : 'INTERNAL';
}
