import type { JobHandlers } from '../../jobs/catalog.ts';
import { challengeEndpoint } from './challenge.service.ts';
import { deliverDue } from './deliveries.service.ts';
import { lookAfterWebhooks } from './upkeep.service.ts';

type WebhookJob = 'webhook.deliver' | 'webhook.challenge' | 'webhook.lookAfter';

export const webhooksJobs: JobHandlers<WebhookJob> = {
  'webhook.deliver': deliverDue,
  'webhook.challenge': (ctx, { endpointId }, signal) => challengeEndpoint(ctx, endpointId, signal),
  'webhook.lookAfter': lookAfterWebhooks,
};
