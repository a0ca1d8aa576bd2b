import type { JobHandlers } from '../../jobs/catalog.ts';
import { writeCheckpoints } from './checkpoints.service.ts';

export const auditJobs: JobHandlers<'audit.writeCheckpoints'> = {
  'audit.writeCheckpoints': (ctx) => writeCheckpoints(ctx),
};
