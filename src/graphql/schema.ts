import '../domains/accounts/accounts.schema.ts';
import '../domains/accounts/email-change.schema.ts';
import '../domains/accounts/profile.schema.ts';
import '../domains/accounts/recovery.schema.ts';
import '../domains/accounts/viewer.schema.ts';
import '../domains/admin/admin.schema.ts';
import '../domains/api-keys/api-keys.schema.ts';
import '../domains/audit/audit.schema.ts';
import '../domains/billing/billing.schema.ts';
import '../domains/invitations/invitations.schema.ts';
import '../domains/invitations/open-invitations.schema.ts';
import '../domains/members/members.schema.ts';
import '../domains/members/roles.schema.ts';
import '../domains/mfa/mfa.schema.ts';
import '../domains/notifications/notification-stream.schema.ts';
import '../domains/notifications/notifications.schema.ts';
import '../domains/oauth/oauth.schema.ts';
import '../domains/organizations/changes.schema.ts';
import '../domains/organizations/organizations.schema.ts';
import '../domains/quotas/quotas.schema.ts';
import '../domains/sessions/sessions.schema.ts';
import './node.schema.ts';
import './results.ts';
import { builder } from './builder.ts';
import { gateKeys } from './key-gate.ts';

/** The whole API. Every `*.schema.ts` is loaded here and nowhere else. */
export const schema = gateKeys(builder.toSchema());
