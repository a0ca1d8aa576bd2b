import { z } from 'zod';

/** The account at Stripe that organizations pay to. */
export interface StripeConfig {
  readonly secretKey: string;
  /** Each of them is good: while one is replaced, events come with the signatures of two. */
  readonly webhookSecrets: readonly string[];
  readonly apiBase: string;
  /** Stripe's price of each plan that can be bought. */
  readonly prices: ReadonlyMap<string, string>;
}

const apiBase = z.string().refine((value) => {
  const url = URL.canParse(value) ? new URL(value) : null;
  return url !== null && /^https?:$/.test(url.protocol) && url.origin === value.replace(/\/$/, '');
}, 'must be an origin such as https://api.stripe.com');

const secrets = z.string().transform((value) => itemsOf(value));

const prices = z.string().transform((value, context): ReadonlyMap<string, string> => {
  const pairs = itemsOf(value).map(
    (item) => /^([a-z0-9-]+)=([\w-]+)$/.exec(item)?.slice(1) as [string, string] | undefined,
  );
  const known = pairs.filter((pair) => pair !== undefined);
  if (known.length !== pairs.length) context.addIssue('must be planId=price_…,planId=price_…');
  for (const side of [0, 1]) {
    if (new Set(known.map((pair) => pair[side])).size !== known.length)
      context.addIssue('must name each plan and each price once');
  }
  return new Map(known);
});

/** The variables of this file, as `config.ts` reads them. */
export const stripeVariables = {
  STRIPE_SECRET_KEY: z.string().optional(),
  STRIPE_WEBHOOK_SECRET: secrets.default([]),
  STRIPE_API_BASE: apiBase.default('https://api.stripe.com'),
  STRIPE_PRICES: prices.default(new Map()),
};

type StripeEnvironment = z.output<z.ZodObject<typeof stripeVariables>>;

/** Null without a key: then nobody can pay, and everything else works. */
export function stripeOf(env: StripeEnvironment): StripeConfig | null {
  if (!env.STRIPE_SECRET_KEY) return null;
  return {
    secretKey: env.STRIPE_SECRET_KEY,
    webhookSecrets: env.STRIPE_WEBHOOK_SECRET,
    apiBase: env.STRIPE_API_BASE,
    prices: env.STRIPE_PRICES,
  };
}

/** The key travels there, so in production not in clear. */
export function insecureStripe(given: Readonly<Record<string, string | undefined>>): string[] {
  return /^http:/i.test(given.STRIPE_API_BASE ?? '') ? ['STRIPE_API_BASE: must be https in production'] : [];
}

function itemsOf(value: string): string[] {
  return value
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean);
}
