import type { JobHandlers } from '../../jobs/catalog.ts';
import { removeExpiredExports } from './audit-exports.service.ts';
import { writeExport } from './export-file.service.ts';

export const auditExportsJobs: JobHandlers<'auditExport.write' | 'auditExport.removeExpired'> = {
  'auditExport.write': writeExport,
  'auditExport.removeExpired': (ctx) => removeExpiredExports(ctx),
};
