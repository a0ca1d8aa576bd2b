import type { JobHandlers } from '../../jobs/catalog.ts';
import { tellOfEnds } from './key-end.service.ts';

export const apiKeysJobs: JobHandlers<'apiKey.tellOfEnds'> = {
  'apiKey.tellOfEnds': tellOfEnds,
};
