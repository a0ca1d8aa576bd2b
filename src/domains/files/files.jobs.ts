import type { JobHandlers } from '../../jobs/catalog.ts';
import { purgeOldTrash } from './files.service.ts';
import { reconcileStorage } from './reconciliation.service.ts';
import { scanUpload } from './scanning.service.ts';
import { removeOrphans, sweepUploads } from './sweep.service.ts';
import { makeThumbnails } from './thumbnails.service.ts';

type FileJob =
  | 'file.scan'
  | 'file.makeThumbnails'
  | 'file.sweep'
  | 'file.purgeTrash'
  | 'file.removeOrphans'
  | 'file.reconcileStorage';

export const filesJobs: JobHandlers<FileJob> = {
  'file.scan': (ctx, payload) => scanUpload(ctx, payload),
  'file.makeThumbnails': (ctx, payload) => makeThumbnails(ctx, payload),
  'file.sweep': (ctx, _payload, signal) => sweepUploads(ctx, signal),
  'file.purgeTrash': (ctx, _payload, signal) => purgeOldTrash(ctx, signal),
  'file.removeOrphans': (ctx, _payload, signal) => removeOrphans(ctx, signal),
  'file.reconcileStorage': (ctx, _payload, signal) => reconcileStorage(ctx, signal),
};
