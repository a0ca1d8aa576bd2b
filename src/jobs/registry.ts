import { accountsJobs } from '../domains/accounts/accounts.jobs.ts';
import { auditJobs } from '../domains/audit/audit.jobs.ts';
import { invitationsJobs } from '../domains/invitations/invitations.jobs.ts';
import type { JobHandlers, JobName } from './catalog.ts';

/** The handler of every job in the catalog; one that is missing does not compile. */
export const jobHandlers: JobHandlers<JobName> = { ...accountsJobs, ...auditJobs, ...invitationsJobs };
