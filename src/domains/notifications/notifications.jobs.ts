import type { JobHandlers } from '../../jobs/catalog.ts';
import { deliver } from '../mail/delivery.service.ts';
import { notificationMail } from '../mail/mail.templates.ts';
import { mailedNotification } from './notify.service.ts';

export const notificationsJobs: JobHandlers<'notification.sendEmail'> = {
  async 'notification.sendEmail'(ctx, notification, signal) {
    const told = await mailedNotification(ctx, notification);
    if (!told) return;
    const { to, ...text } = told;
    const appUrl = ctx.platform.config.publicAppUrl;
    await deliver(ctx, { to: to.email, ...notificationMail({ name: to.name, appUrl, ...text }) }, signal);
  },
};
