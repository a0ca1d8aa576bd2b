import { randomBytes } from 'node:crypto';
import { macOf } from '../../platform/tokens.ts';

const prefix = 'whsec_';
const secretBytes = 32;

/** `whsec_` and 256 random bits in base64, as Standard Webhooks writes them. */
export function newWebhookSecret(): string {
  return `${prefix}${randomBytes(secretBytes).toString('base64')}`;
}

/** What people tell their secrets apart by: prefix and last four. */
export function secretHintOf(secret: string): string {
  return `${prefix}…${secret.slice(-4)}`;
}

/** The text without the secrets that somebody echoed into it. */
export function withoutSecrets(text: string): string {
  return text.replace(/whsec_[\w+/=-]+/g, `${prefix}…`);
}

export interface Message {
  readonly id: string;
  readonly sentAt: Date;
  readonly body: string;
}

/**
 * The three headers of Standard Webhooks 1.0.0: an HMAC-SHA256 over id, seconds and the very bytes of the body, for each
 * secret, the newest first.
 */
export function signedHeaders(secrets: readonly string[], { id, sentAt, body }: Message): Record<string, string> {
  const seconds = String(Math.floor(sentAt.getTime() / 1000));
  const signatures = secrets.map(
    (secret) => `v1,${macOf(keyOf(secret), `${id}.${seconds}.${body}`).toString('base64')}`,
  );
  return { 'webhook-id': id, 'webhook-timestamp': seconds, 'webhook-signature': signatures.join(' ') };
}

/** What a receiver that holds the secret answers to a challenge: hex of HMAC-SHA256. */
export function proofOf(secret: string, challenge: string): string {
  return macOf(keyOf(secret), challenge).toString('hex');
}

function keyOf(secret: string): Buffer {
  return Buffer.from(secret.slice(prefix.length), 'base64');
}
