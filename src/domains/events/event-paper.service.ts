import { z } from 'zod';
import { eventCatalog, eventTypes } from './event-catalog.ts';
import { eventExamples } from './event-examples.ts';

const timestamp = '2026-11-24T12:00:00.000Z';

const introduction = `# Webhooks

<!-- Made by \`npm run webhooks:docs\` from src/domains/events; a test keeps it current. -->

Gatehouse tells your servers what happens in an organization, as [Standard Webhooks](https://www.standardwebhooks.com) says:
any verifier of it will do, \`standardwebhooks\` and \`svix\` on npm among them. What is told is written in the transaction of
its cause: it is neither lost nor told of something that did not happen.

## Set up an endpoint

\`createWebhookEndpoint\` wants an \`https:\` address that the internet can reach, and answers with the secret, \`whsec_…\`, this
once. Nothing is delivered before your server has proved that it holds it. The challenge is a signed POST:

\`\`\`json
{ "type": "endpoint.verification", "timestamp": "${timestamp}", "data": { "challenge": "…" } }
\`\`\`

Answer it within ten seconds with 200 and \`{"response": "…"}\`: the hex of HMAC-SHA256 over the challenge, with the bytes of
your newest secret (its base64 after \`whsec_\`) as the key. It is sent at once when the endpoint is made, gets another URL or
another secret, and whenever you call \`verifyWebhookEndpoint\`.

\`\`\`js
import { createHmac } from 'node:crypto';
import { Webhook } from 'standardwebhooks';

const secret = process.env.WEBHOOK_SECRET;

// \`body\` is the text as it came, \`headers\` as they came.
function receive(body, headers) {
  const { type, data } = new Webhook(secret).verify(body, headers);
  if (type === 'endpoint.verification') {
    const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
    return { status: 200, body: { response: createHmac('sha256', key).update(data.challenge).digest('hex') } };
  }
  // Put it away under its webhook-id, answer, and work on it afterwards.
  return { status: 204 };
}
\`\`\`

## What you can rely on

- **At least once.** \`webhook-id\` is the id of the event, the same at each try and when it is sent again by hand: drop what
  you have seen. There is no order; \`timestamp\` says when it happened.
- **The bytes that are signed** are the bytes that are sent, and that \`WebhookEvent.payload\` shows.
- **Tries.** Success is any 2xx within 15 seconds, 5 of them for connecting. A redirect is a failure. After the first try come
  nine more, 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h and 24 h after one another, give or take a fifth, later if
  \`Retry-After\` says so. Each is in \`WebhookDelivery.attempts\` with the first 16 KiB of the answer.
- **Two at a time** go to an endpoint. One that is slow keeps nobody else waiting.
- **410** ends it: the endpoint is disabled at once. So is one that did nothing but fail for five days; admins are warned at
  half of that. \`recoverWebhookEndpoint\` sends again what was lost since a moment.
- **More may come**: new events, and new fields in those that are there. Pass over what you do not know.
- **30 days** long events and deliveries can be looked at, and sent again by \`redeliverWebhook\`.
- **Headers** of your own go along, for a gateway before your server. Their values are not shown again.

## Another secret

\`rotateWebhookSecret\` answers with a new one. For \`overlapHours\` each delivery carries two signatures, that of the new secret
first, so the receiver may be changed at any moment of it. By its end (\`reverifyBy\`) the receiver must have answered a
challenge with the new secret, or the endpoint is PAUSED: what is for it is held, and goes out once it has. With
\`overlapHours: 0\` the old secret ends now, for one that has leaked.

## Events
`;

/** The page that tells receivers what there is: `docs/webhooks.md`. */
export function eventPaper(): string {
  const events = eventTypes.map((type) => {
    const { when, data } = eventExamples[type];
    // More fields may come: a receiver that refuses what it does not know would break.
    const override = ({ jsonSchema }: { jsonSchema: { additionalProperties?: unknown } }) =>
      void delete jsonSchema.additionalProperties;
    const { $schema, ...schema } = z.toJSONSchema(eventCatalog[type], { override });
    return [
      `\n### ${type}\n\n${when}\n`,
      block({ type, timestamp, data }),
      `\nJSON Schema (${$schema}) of \`data\`:\n`,
      block(schema),
    ].join('\n');
  });
  return `${introduction}${events.join('\n')}\n`;
}

function block(value: unknown): string {
  return `\`\`\`json\n${JSON.stringify(value, null, 2)}\n\`\`\``;
}
