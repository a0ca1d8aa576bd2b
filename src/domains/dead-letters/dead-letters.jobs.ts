import type { JobHandlers } from '../../jobs/catalog.ts';
import { deliver } from '../mail/delivery.service.ts';
import { deadLetterAlert } from '../mail/mail.templates.ts';
import { prepareAlert } from './alert.service.ts';
import { collectFailedJobs } from './burial.service.ts';

export { buryJob as keepGivenUp } from './burial.service.ts';

export const deadLettersJobs: JobHandlers<'deadLetter.collect' | 'deadLetter.sendAlert'> = {
  'deadLetter.collect': collectFailedJobs,

  async 'deadLetter.sendAlert'(ctx, alert, signal) {
    const prepared = await prepareAlert(ctx, alert);
    if (!prepared) return;
    const { to, ...what } = prepared;
    const appUrl = ctx.platform.config.publicAppUrl;
    await deliver(ctx, { to: to.email, ...deadLetterAlert({ name: to.name, appUrl, ...what }) }, signal);
  },
};
