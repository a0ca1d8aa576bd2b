import { createHmac } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { Webhook as StandardWebhook } from 'standardwebhooks';
import { Webhook as SvixWebhook } from 'svix';
import { vi } from 'vitest';
import { startLoopbackServer } from './loopback.ts';

/** One request that came in. */
export interface Received {
  readonly id: string;
  readonly body: string;
  readonly type: string;
  readonly headers: IncomingHttpHeaders;
  readonly path: string;
}

/** How a receiver answers a delivery; it says nothing of challenges. */
export type Reply = (received: Received, response: ServerResponse) => void | Promise<void>;

/** Somebody's server that takes webhooks, on a free port of the loopback interface. */
export interface Receiver {
  readonly url: string;
  /** What it answers challenges with; null for a receiver that does not know its secret. */
  secret: string | null;
  reply: Reply;
  /** What a challenge waits for. */
  beforeAnswer: () => Promise<void>;
  readonly deliveries: Received[];
  readonly challenges: Received[];
  close(): Promise<void>;
}

export const ok: Reply = (_received, response) => void response.end('thanks');

export const answer =
  (status: number, headers: Record<string, string> = {}, body = 'no'): Reply =>
  (_received, response) =>
    void response.writeHead(status, headers).end(body);

export const soon = { timeout: 15_000, interval: 20 };

/** The deliveries so far, as soon as there are so many. */
export function arrived(receiver: Receiver, count: number): Promise<Received[]> {
  return vi.waitUntil(() => receiver.deliveries.length >= count && receiver.deliveries, soon);
}

export async function startReceiver(): Promise<Receiver> {
  const deliveries: Received[] = [];
  const challenges: Received[] = [];
  const state = { secret: null as string | null, reply: ok, beforeAnswer: async () => {} };
  const onRequest = async (request: IncomingMessage, response: ServerResponse) => {
    const body = await text(request);
    const { type, data } = JSON.parse(body) as { type: string; data: { challenge: string } };
    const received = {
      id: String(request.headers['webhook-id']),
      body,
      type,
      headers: request.headers,
      path: request.url ?? '',
    };
    if (type !== 'endpoint.verification') {
      deliveries.push(received);
      return state.reply(received, response);
    }
    challenges.push(received);
    const secret = state.secret;
    await state.beforeAnswer();
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ response: secret ? answerTo(secret, data.challenge) : 'no idea' }));
  };
  const server = await startLoopbackServer(() => (request, response) => void onRequest(request, response));
  return Object.assign(state, { url: server.url, deliveries, challenges, close: server.close });
}

/** As a receiver reckons it from the papers: hex of HMAC-SHA256 under the secret's bytes. */
function answerTo(secret: string, challenge: string): string {
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
  return createHmac('sha256', key).update(challenge).digest('hex');
}

/** What both libraries of receivers say: whether the request is signed with this secret. */
export function isSignedWith(secret: string, { body, headers }: Received): boolean {
  const given = headers as Record<string, string>;
  const verdicts = [new StandardWebhook(secret), new SvixWebhook(secret)].map((library) => {
    try {
      library.verify(body, given);
      return true;
    } catch {
      return false;
    }
  });
  if (verdicts[0] !== verdicts[1]) throw new Error('the libraries do not agree');
  return verdicts[0] ?? false;
}
