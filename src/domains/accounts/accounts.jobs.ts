import type { JobHandlers } from '../../jobs/catalog.ts';
import { appLink } from '../mail/mail.links.ts';
import * as templates from '../mail/mail.templates.ts';
import { issueVerificationToken } from './verification.service.ts';

export const accountsJobs: JobHandlers<'account.sendVerificationEmail' | 'account.sendAlreadyRegisteredEmail'> = {
  /** The token is made here, so that no job row ever holds it; a retry mails a new one and voids the old. */
  async 'account.sendVerificationEmail'(ctx, { userId }, signal) {
    const user = await ctx.db.user.findUnique({ where: { id: userId, emailVerifiedAt: null } });
    if (!user) return;
    const token = await issueVerificationToken(ctx, user);
    const link = appLink(ctx.platform.config, '/verify-email', token);
    const mail = templates.verifyEmail({ name: user.name, link });
    await ctx.platform.mailer.send({ to: user.email, ...mail }, signal);
  },

  async 'account.sendAlreadyRegisteredEmail'(ctx, { userId }, signal) {
    const user = await ctx.db.user.findUnique({ where: { id: userId } });
    if (!user) return;
    const appUrl = ctx.platform.config.publicAppUrl;
    const mail = templates.alreadyRegistered({ name: user.name, appUrl });
    await ctx.platform.mailer.send({ to: user.email, ...mail }, signal);
  },
};
