import type { JobHandlers } from '../../jobs/catalog.ts';
import { endCustomer } from './cancellation.service.ts';
import { reconcileBilling } from './reconciliation.service.ts';
import { handleStripeEvent } from './stripe-events.service.ts';
import { syncSubscription } from './subscription-sync.service.ts';

export const billingJobs: JobHandlers<
  'billing.handleStripeEvent' | 'billing.syncSubscription' | 'billing.reconcile' | 'billing.endCustomer'
> = {
  'billing.handleStripeEvent': (ctx, payload) => handleStripeEvent(ctx, payload),
  'billing.syncSubscription': (ctx, payload) => syncSubscription(ctx, payload),
  'billing.reconcile': (ctx) => reconcileBilling(ctx),
  'billing.endCustomer': (ctx, payload) => endCustomer(ctx, payload),
};
