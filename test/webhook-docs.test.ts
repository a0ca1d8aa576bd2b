import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { eventTypes } from '../src/domains/events/event-catalog.ts';
import { eventPaper } from '../src/domains/events/event-paper.service.ts';
import { proofOf } from '../src/domains/webhooks/webhook-secret.ts';
import { textOf } from './support/sources.ts';

test('docs/webhooks.md is what the catalog says; `npm run webhooks:docs` writes it', () => {
  const paper = textOf('docs/webhooks.md');
  expect(paper).toBe(eventPaper());
  for (const type of eventTypes) expect(paper).toContain(`### ${type}\n`);
});

test('its receiver answers challenges as we reckon them', () => {
  const code = /```js\n(.*?)```/s.exec(textOf('docs/webhooks.md'))?.[1] ?? '';
  const body = code.replace(/^import .*$/gm, '').replace(/process\.env\.WEBHOOK_SECRET/, 'given');
  const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
  class Webhook {
    verify = (text: string) => JSON.parse(text);
  }
  const receive = new Function('given', 'createHmac', 'Webhook', `${body}; return receive;`)(
    secret,
    createHmac,
    Webhook,
  );
  const challenge = JSON.stringify({ type: 'endpoint.verification', data: { challenge: 'abc' } });
  expect(receive(challenge, {})).toEqual({ status: 200, body: { response: proofOf(secret, 'abc') } });
  expect(receive(JSON.stringify({ type: 'test.ping', data: {} }), {})).toEqual({ status: 204 });
});
