import type { JobHandlers } from '../../jobs/catalog.ts';
import { deliver } from '../mail/delivery.service.ts';
import { appLink } from '../mail/mail.links.ts';
import { securityNotice } from '../mail/mail.notices.ts';
import * as templates from '../mail/mail.templates.ts';
import { recipientOf } from '../mail/notices.service.ts';
import { removeExpired } from './clean-up.service.ts';
import { prepareEmailChange } from './email-change.service.ts';
import { issueEmailToken } from './email-tokens.service.ts';

type AccountJob =
  | 'account.sendVerificationEmail'
  | 'account.sendAlreadyRegisteredEmail'
  | 'account.sendPasswordResetEmail'
  | 'account.sendEmailChangeEmail'
  | 'account.sendNotice'
  | 'account.removeExpired';

/** Tokens are made here, so that no job row ever holds one; a retry of the job mails the same one. */
export const accountsJobs: JobHandlers<AccountJob> = {
  'account.removeExpired': removeExpired,

  async 'account.sendVerificationEmail'(ctx, { userId }, signal) {
    const user = await ctx.db.user.findUnique({ where: { id: userId, emailVerifiedAt: null } });
    if (!user) return;
    const token = await issueEmailToken(ctx, { userId, purpose: 'VERIFY_EMAIL', email: user.email });
    const link = appLink(ctx.platform.config, '/verify-email', token);
    await deliver(ctx, { to: user.email, ...templates.verifyEmail({ name: user.name, link }) }, signal);
  },

  async 'account.sendAlreadyRegisteredEmail'(ctx, { userId }, signal) {
    const user = await ctx.db.user.findUnique({ where: { id: userId } });
    if (!user) return;
    const appUrl = ctx.platform.config.publicAppUrl;
    await deliver(ctx, { to: user.email, ...templates.alreadyRegistered({ name: user.name, appUrl }) }, signal);
  },

  async 'account.sendPasswordResetEmail'(ctx, { userId }, signal) {
    const user = await ctx.db.user.findUnique({ where: { id: userId, lockedAt: null } });
    if (!user) return;
    const voidedBy = user.passwordHash;
    const token = await issueEmailToken(ctx, { userId, purpose: 'RESET_PASSWORD', email: user.email, voidedBy });
    const link = appLink(ctx.platform.config, '/reset-password', token);
    await deliver(ctx, { to: user.email, ...templates.resetPassword({ name: user.name, link }) }, signal);
  },

  async 'account.sendEmailChangeEmail'(ctx, { userId }, signal) {
    const change = await prepareEmailChange(ctx, { userId });
    if (!change) return;
    const link = appLink(ctx.platform.config, '/change-email', change.token);
    await deliver(ctx, { to: change.email, ...templates.changeEmail({ name: change.name, link }) }, signal);
  },

  async 'account.sendNotice'(ctx, notice, signal) {
    const recipient = await recipientOf(ctx, notice);
    if (!recipient) return;
    const { name, email } = recipient;
    const appUrl = ctx.platform.config.publicAppUrl;
    await deliver(ctx, { to: email, ...securityNotice({ kind: notice.kind, name, appUrl }) }, signal);
  },
};
