import { accountsJobs } from '../domains/accounts/accounts.jobs.ts';
import { apiKeysJobs } from '../domains/api-keys/api-keys.jobs.ts';
import { auditJobs } from '../domains/audit/audit.jobs.ts';
import { auditExportsJobs } from '../domains/audit-exports/audit-exports.jobs.ts';
import { billingJobs } from '../domains/billing/billing.jobs.ts';
import { deadLettersJobs } from '../domains/dead-letters/dead-letters.jobs.ts';
import { filesJobs } from '../domains/files/files.jobs.ts';
import { invitationsJobs } from '../domains/invitations/invitations.jobs.ts';
import { notificationsJobs } from '../domains/notifications/notifications.jobs.ts';
import { webhooksJobs } from '../domains/webhooks/webhooks.jobs.ts';
import type { JobHandlers, JobName } from './catalog.ts';

export { keepGivenUp } from '../domains/dead-letters/dead-letters.jobs.ts';

/** The handler of every job in the catalog; one that is missing does not compile. */
export const jobHandlers: JobHandlers<JobName> = {
  ...accountsJobs,
  ...auditJobs,
  ...deadLettersJobs,
  ...apiKeysJobs,
  ...auditExportsJobs,
  ...billingJobs,
  ...invitationsJobs,
  ...webhooksJobs,
  ...filesJobs,
  ...notificationsJobs,
};
