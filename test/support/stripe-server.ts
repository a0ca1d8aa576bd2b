import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import Stripe from 'stripe';
import { startLoopbackServer } from './loopback.ts';

export const webhookSecret = 'whsec_of_the_tests';
export const prices = { team: 'price_team', business: 'price_business' };

export interface StripeSubscription {
  readonly id: string;
  readonly object: 'subscription';
  readonly created: number;
  readonly customer: string;
  readonly metadata: Record<string, string>;
  status: string;
  cancel_at_period_end: boolean;
  cancel_at: number | null;
  items: { data: { price: { id: string }; current_period_start: number; current_period_end: number }[] };
}

interface StripeSession {
  readonly id: string;
  readonly object: 'checkout.session';
  readonly customer: string;
  readonly url: string | null;
  readonly client_reference_id: string | null;
  readonly form: Record<string, string>;
  status: 'open' | 'complete' | 'expired';
}

export interface SignedEvent {
  readonly payload: string;
  readonly signature: string;
}

/**
 * A server on the loopback that behaves as Stripe does for what Gatehouse asks of it: state by customer, answers by idempotency
 * key. What has changed is told by signed events that the test delivers in its own order, number and time.
 */
export async function startStripe() {
  const customers = new Map<string, { id: string; object: 'customer'; deleted?: boolean; name: string }>();
  const subscriptions = new Map<string, StripeSubscription>();
  const sessions = new Map<string, StripeSession>();
  const answers = new Map<string, { readonly form: string; readonly body: unknown }>();
  /** `METHOD path` of every call, and what it was given. */
  const calls: { readonly call: string; readonly form: Record<string, string>; readonly key: string | null }[] = [];
  const state = { isDown: false, delayMs: 0 };

  function answer(call: string, id: string, form: Record<string, string>): unknown {
    const session = sessions.get(id);
    switch (call) {
      case 'POST /v1/customers':
        return made(customers, { id: newId('cus'), object: 'customer' as const, name: form.name ?? '' });
      case 'POST /v1/checkout/sessions':
        return openSession(form);
      case 'GET /v1/checkout/sessions':
        return listOf([...sessions.values()].filter(({ customer }) => customer === form.customer));
      case 'GET /v1/checkout/sessions/:id':
        return session;
      case 'POST /v1/checkout/sessions/:id/expire':
        return session?.status === 'open' ? Object.assign(session, { status: 'expired', url: null }) : undefined;
      case 'POST /v1/billing_portal/sessions':
        return { id: newId('bps'), object: 'billing_portal.session', url: `${server.url}/portal/${form.customer}` };
      case 'GET /v1/subscriptions':
        return isGone(form.customer) ? undefined : listOf(subscriptionsOf(form));
      case 'DELETE /v1/subscriptions/:id':
        return subscriptions.has(id) ? Object.assign(subscriptions.get(id) ?? {}, { status: 'canceled' }) : undefined;
      default:
        return undefined;
    }
  }

  const isGone = (customer = '') => customers.get(customer)?.deleted === true;

  function openSession(form: Record<string, string>): StripeSession {
    const id = newId('cs_test');
    return made(sessions, {
      id,
      object: 'checkout.session',
      customer: form.customer ?? '',
      url: `${server.url}/pay/${id}`,
      client_reference_id: form.client_reference_id ?? null,
      form,
      status: 'open',
    });
  }

  function subscriptionsOf({ customer, status }: Record<string, string>): StripeSubscription[] {
    const own = [...subscriptions.values()].filter((subscription) => subscription.customer === customer);
    return own.filter((subscription) => status === 'all' || subscription.status !== 'canceled');
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '', server.url);
    const body = await text(request);
    const form = Object.fromEntries([...url.searchParams, ...new URLSearchParams(body)]);
    const id = /\/((?:cs_test|sub)_\w+)/.exec(url.pathname)?.[1] ?? '';
    const call = `${request.method} ${id ? url.pathname.replace(id, ':id') : url.pathname}`;
    const key = request.headers['idempotency-key']?.toString() ?? null;
    calls.push({ call, form, key });
    if (state.isDown) return send(response, 500, failure('api_error', 'Stripe is down.'));
    if (request.headers.authorization !== 'Bearer sk_test_of_the_tests')
      return send(response, 401, failure('invalid_request_error', 'Invalid API Key provided.'));
    const known = key === null ? undefined : answers.get(key);
    if (known && known.form !== body)
      return send(response, 400, failure('idempotency_error', 'Keys can only be used with the same parameters.'));
    // As it is now, though it may be long on its way.
    const found = structuredClone(known?.body ?? answer(call, id, form));
    if (state.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, state.delayMs));
    if (key !== null && found !== undefined) answers.set(key, { form: body, body: found });
    return found === undefined
      ? send(response, 404, {
          error: { type: 'invalid_request_error', code: 'resource_missing', message: 'No such thing.' },
        })
      : send(response, 200, found);
  }

  const server = await startLoopbackServer(() => (request, response) => void serve(request, response));

  /** A subscription as paying for a price makes it. */
  function subscribe(customer: string, changes: Partial<StripeSubscription> & { price?: string } = {}) {
    const { price = prices.team, ...rest } = changes;
    const now = Math.floor(Date.now() / 1000);
    const period = { current_period_start: now - 60, current_period_end: now + 30 * 86_400 };
    return made<StripeSubscription>(subscriptions, {
      id: newId('sub'),
      object: 'subscription',
      created: now,
      customer,
      metadata: {},
      status: 'active',
      cancel_at_period_end: false,
      cancel_at: null,
      items: { data: [{ price: { id: price }, ...period }] },
      ...rest,
    });
  }

  return {
    url: server.url,
    environment: {
      STRIPE_SECRET_KEY: 'sk_test_of_the_tests',
      STRIPE_WEBHOOK_SECRET: webhookSecret,
      STRIPE_API_BASE: server.url,
      STRIPE_PRICES: Object.entries(prices)
        .map((pair) => pair.join('='))
        .join(','),
    },
    state,
    calls,
    customers,
    sessions,
    subscriptions,
    subscribe,
    /** Pays on an open checkout. */
    pay(sessionId: string) {
      const session = sessions.get(sessionId);
      if (session?.status !== 'open') throw new Error('this checkout is not open');
      session.status = 'complete';
      const subscription = subscribe(session.customer, { price: session.form['line_items[0][price]'] ?? '' });
      return { session, subscription };
    },
    close: server.close,
  };
}

export type StripeServer = Awaited<ReturnType<typeof startStripe>>;

const signer = new Stripe('sk_test_signer');

/** What Stripe would send about an object as it is now. */
export function anEvent(
  type: string,
  object: object,
  { livemode = false, id = newId('evt') }: { livemode?: boolean; id?: string } = {},
): string {
  const created = Math.floor(Date.now() / 1000);
  return JSON.stringify({
    id,
    object: 'event',
    api_version: '2026-10-28.endive',
    created,
    livemode,
    type,
    data: { object },
  });
}

export function signed(
  payload: string,
  { secret = webhookSecret, atMs = Date.now() }: { secret?: string; atMs?: number } = {},
): SignedEvent {
  const timestamp = Math.floor(atMs / 1000);
  return { payload, signature: signer.webhooks.generateTestHeaderString({ payload, secret, timestamp }) };
}

/** Delivers an event as Stripe does. @returns the status of the answer */
export async function deliver(app: { readonly url: string }, event: SignedEvent | string): Promise<number> {
  const { payload, signature } = typeof event === 'string' ? signed(event) : event;
  const response = await fetch(`${app.url}/webhooks/stripe`, {
    method: 'POST',
    headers: { 'content-type': 'application/json; charset=utf-8', 'stripe-signature': signature },
    body: payload,
  });
  await response.text();
  return response.status;
}

function newId(prefix: string): string {
  return `${prefix}_${randomBytes(9).toString('hex')}`;
}

function made<T extends { readonly id: string }>(kept: Map<string, T>, thing: T): T {
  kept.set(thing.id, thing);
  return thing;
}

function listOf(data: unknown[]) {
  return { object: 'list', has_more: false, data };
}

function failure(type: string, message: string) {
  return { error: { type, message } };
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
