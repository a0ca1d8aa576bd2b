import type { JobHandlers } from '../../jobs/catalog.ts';
import { deliver } from '../mail/delivery.service.ts';
import { appLink } from '../mail/mail.links.ts';
import * as templates from '../mail/mail.templates.ts';
import { issueInvitationToken } from './invitations.service.ts';

export const invitationsJobs: JobHandlers<'invitation.sendEmail'> = {
  async 'invitation.sendEmail'(ctx, { invitationId }, signal) {
    const invitation = await ctx.db.invitation.findUnique({
      where: { id: invitationId },
      include: { organization: { select: { name: true } }, invitedBy: { select: { name: true } } },
    });
    const token = invitation && (await issueInvitationToken(ctx, invitation.id));
    if (!invitation || !token) return;
    const mail = templates.invitation({
      organizationName: invitation.organization.name,
      inviterName: invitation.invitedBy?.name ?? null,
      role: invitation.role,
      link: appLink(ctx.platform.config, '/invitations', token),
      expiresAt: invitation.expiresAt,
    });
    await deliver(ctx, { to: invitation.email, ...mail }, signal);
  },
};
