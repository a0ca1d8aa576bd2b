import '../domains/accounts/accounts.schema.ts';
import '../domains/accounts/viewer.schema.ts';
import '../domains/invitations/invitations.schema.ts';
import '../domains/members/members.schema.ts';
import '../domains/organizations/organizations.schema.ts';
import '../domains/sessions/sessions.schema.ts';
import './node.schema.ts';
import './results.ts';
import { builder } from './builder.ts';

/** The whole API. Every `*.schema.ts` is loaded here and nowhere else. */
export const schema = builder.toSchema();
