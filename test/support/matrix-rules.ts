/**
 * Who may do what, as a table: one row for every field of Query, Mutation, Subscription and Organization. The outcome of each
 * of the seventeen callers follows from the row.
 *
 * A new field: run `npm test -- test/matrix.test.ts`. It fails for a field without a row and proposes the row that fits what
 * it saw. Read that row before it is pasted below: it says what is, and the row has to say what should be. A mutation whose
 * `id` names something also has a line in `targets` of matrix-targets.ts, or all that it can answer is NOT_FOUND.
 */

/** Who, whatever they come with. Those that end in `OrSuperuser` also let a superuser with a second factor in. */
export type Rule =
  | 'anyone'
  | 'signedIn'
  | 'member'
  | 'admin'
  | 'owner'
  | 'memberOrSuperuser'
  | 'adminOrSuperuser'
  | 'superuser'
  /** Null for whom the thing does not exist. */
  | 'visible'
  /** Only the person it is about: of the cast, the owner. */
  | 'self';

export const scopes = [
  'organization:read',
  'members:read',
  'members:write',
  'files:read',
  'files:write',
  'usage:read',
  'webhooks:read',
  'webhooks:write',
  'audit:read',
] as const;

type Scope = (typeof scopes)[number];

export const people = [
  'anonymous',
  'outsider',
  'member',
  'admin',
  'superuser without second factor',
  'superuser',
  'owner long after signing in',
  // Comes last: what the owner may do ends the one or the other thing.
  'owner',
] as const;

type Person = (typeof people)[number];
export type Kind = Person | `key ${Scope}`;
export const kinds: readonly Kind[] = [...scopes.map((scope) => `key ${scope}` as const), ...people];

export interface Row {
  readonly rule: Rule;
  /** The session must have passed a second factor: the cast’s owner and one superuser have. */
  readonly mfa?: true;
  /** And must have been opened, or proved, in the last minutes. */
  readonly fresh?: true;
  /** The scope that lets an API key in; `any`: every key. Without it, none. */
  readonly key?: Scope | 'any';
  /** What the call of the test says to whom it lets in; `ok` unless its arguments are refused. */
  readonly says?: string;
  /** Where it says something else to some. */
  readonly but?: Partial<Record<Kind, string>>;
}

const read = (rule: Rule, key: Scope | 'any', more: Partial<Row> = {}): Row => ({ rule, key, ...more });
const form = (says: string): Row => ({ rule: 'anyone', says });
const own = (says = 'ok', more: Partial<Row> = {}): Row => ({ rule: 'signedIn', says, ...more });

/** Keys that see no person see null, not a refusal. */
const onlyMembersRead = Object.fromEntries(
  scopes.filter((scope) => scope !== 'members:read').map((scope) => [`key ${scope}`, 'null']),
);

export const rows: Readonly<Record<string, Row>> = {
  'Query.admin': { rule: 'superuser', mfa: true },
  'Query.apiKeyScopes': read('anyone', 'any'),
  'Query.auditExport': { rule: 'anyone', says: 'null' },
  'Query.invitation': read('anyone', 'any', { says: 'null' }),
  'Query.node': read('visible', 'any'),
  'Query.nodes': read('visible', 'any'),
  'Query.oauthProviders': read('anyone', 'any'),
  'Query.organization': read('visible', 'any'),
  'Query.plans': read('anyone', 'any'),
  'Query.user': read('visible', 'any', { but: onlyMembersRead }),
  'Query.webhookEventTypes': read('anyone', 'any'),
  'Query.viewer': read('anyone', 'any', {
    but: { anonymous: 'null', ...onlyMembersRead, 'key members:read': 'null' },
  }),

  'Subscription.deadLetters': { rule: 'superuser', mfa: true },
  'Subscription.notifications': own(),
  'Subscription.uploadProgress': read('memberOrSuperuser', 'files:read'),

  'Organization.apiKeys': { rule: 'adminOrSuperuser' },
  'Organization.auditLog': read('adminOrSuperuser', 'audit:read', { mfa: true }),
  'Organization.billing': { rule: 'adminOrSuperuser' },
  'Organization.createdAt': read('visible', 'organization:read'),
  'Organization.files': read('memberOrSuperuser', 'files:read'),
  'Organization.id': read('visible', 'any'),
  'Organization.invitations': read('adminOrSuperuser', 'members:read'),
  'Organization.members': read('memberOrSuperuser', 'members:read'),
  'Organization.name': read('visible', 'organization:read'),
  'Organization.quota': read('memberOrSuperuser', 'usage:read'),
  'Organization.quotas': read('memberOrSuperuser', 'usage:read'),
  'Organization.requiresMfa': read('visible', 'organization:read'),
  'Organization.slug': read('visible', 'organization:read'),
  'Organization.usage': read('adminOrSuperuser', 'usage:read', { says: 'BAD_USER_INPUT' }),
  'Organization.viewerRole': read('visible', 'organization:read'),
  'Organization.webhookEndpoints': read('adminOrSuperuser', 'webhooks:read'),
  'Organization.webhookEvents': read('adminOrSuperuser', 'webhooks:read'),

  'Mutation.completeOAuthLogin': form('OAUTH_FAILED'),
  'Mutation.beginOAuthLogin': form('VALIDATION_FAILED'),
  'Mutation.confirmEmailChange': form('INVALID_TOKEN'),
  'Mutation.login': form('INVALID_CREDENTIALS'),
  'Mutation.refreshSession': form('SESSION_ENDED'),
  'Mutation.register': form('VALIDATION_FAILED'),
  'Mutation.requestPasswordReset': form('VALIDATION_FAILED'),
  'Mutation.resendVerificationEmail': form('VALIDATION_FAILED'),
  'Mutation.resetPassword': form('VALIDATION_FAILED'),
  'Mutation.verifyEmail': form('INVALID_TOKEN'),
  'Mutation.verifyMfaChallenge': form('INVALID_TOKEN'),

  'Mutation.acceptInvitation': own('BAD_USER_INPUT'),
  'Mutation.beginTotpEnrollment': own('ok', { fresh: true, but: { superuser: 'CONFLICT', owner: 'CONFLICT' } }),
  'Mutation.changeEmail': own('VALIDATION_FAILED', { fresh: true }),
  'Mutation.changePassword': own('VALIDATION_FAILED'),
  'Mutation.confirmTotpEnrollment': own('INVALID_CODE'),
  'Mutation.createOrganization': own(),
  'Mutation.declineInvitation': own('BAD_USER_INPUT'),
  'Mutation.deleteAccount': own('ok', { fresh: true }),
  'Mutation.disableTotp': own('INVALID_CODE', { fresh: true }),
  'Mutation.logout': own(),
  'Mutation.markAllNotificationsRead': own(),
  'Mutation.markNotificationRead': own('NOT_FOUND'),
  'Mutation.reauthenticate': own('INVALID_CREDENTIALS'),
  'Mutation.regenerateBackupCodes': own('ok', { mfa: true, fresh: true }),
  'Mutation.revokeOtherSessions': own(),
  'Mutation.revokeSession': { rule: 'self' },
  'Mutation.setActiveOrganization': { rule: 'member' },
  'Mutation.unlinkIdentity': own('NOT_FOUND', { fresh: true }),
  'Mutation.updateNotificationPreference': own('VALIDATION_FAILED'),
  'Mutation.updateProfile': own(),

  'Mutation.changeMemberRole': { rule: 'admin', key: 'members:write' },
  // Without Stripe, as here, owners may as little as others; with it, see test/checkout.test.ts.
  'Mutation.createBillingPortalSession': { rule: 'owner', says: 'FORBIDDEN' },
  'Mutation.createCheckoutSession': { rule: 'owner', says: 'FORBIDDEN' },
  'Mutation.createApiKey': { rule: 'admin', mfa: true, fresh: true, says: 'VALIDATION_FAILED' },
  'Mutation.deleteOrganization': { rule: 'owner', fresh: true },
  'Mutation.exportAuditLog': { rule: 'admin', mfa: true },
  'Mutation.inviteMember': { rule: 'admin', key: 'members:write', says: 'VALIDATION_FAILED' },
  'Mutation.lockUser': { rule: 'superuser', mfa: true, fresh: true },
  'Mutation.removeMember': { rule: 'admin', key: 'members:write' },
  'Mutation.resendInvitation': { rule: 'admin', key: 'members:write' },
  'Mutation.revokeApiKey': { rule: 'admin' },
  'Mutation.revokeInvitation': { rule: 'admin', key: 'members:write' },
  'Mutation.rotateApiKey': { rule: 'admin', mfa: true, fresh: true },
  'Mutation.setOrganizationQuota': { rule: 'adminOrSuperuser' },
  'Mutation.transferOwnership': { rule: 'owner', fresh: true, says: 'VALIDATION_FAILED' },
  'Mutation.unlockUser': { rule: 'superuser', mfa: true, fresh: true },
  'Mutation.updateOrganization': { rule: 'admin' },

  // One's own: the upload of the test is the owner's.
  'Mutation.abortUpload': { rule: 'member', key: 'files:write', but: { member: 'FORBIDDEN' } },
  'Mutation.createUpload': { rule: 'member', key: 'files:write' },
  'Mutation.purgeFile': { rule: 'admin', key: 'files:write' },
  'Mutation.renameFile': { rule: 'member', key: 'files:write' },
  'Mutation.restoreFile': { rule: 'member', key: 'files:write' },
  'Mutation.trashFile': { rule: 'member', key: 'files:write' },

  'Mutation.createWebhookEndpoint': { rule: 'admin', mfa: true, fresh: true, says: 'VALIDATION_FAILED' },
  'Mutation.deleteWebhookEndpoint': { rule: 'admin', mfa: true, key: 'webhooks:write' },
  'Mutation.recoverWebhookEndpoint': { rule: 'admin', mfa: true, says: 'VALIDATION_FAILED' },
  'Mutation.redeliverWebhook': { rule: 'admin', mfa: true, key: 'webhooks:write' },
  'Mutation.rotateWebhookSecret': { rule: 'admin', mfa: true, fresh: true },
  'Mutation.sendTestWebhook': { rule: 'admin', mfa: true, key: 'webhooks:write', says: 'CONFLICT' },
  'Mutation.setWebhookEndpointEnabled': { rule: 'admin', mfa: true, key: 'webhooks:write' },
  'Mutation.updateWebhookEndpoint': { rule: 'admin', mfa: true, key: 'webhooks:write' },
  'Mutation.verifyWebhookEndpoint': { rule: 'admin', mfa: true, key: 'webhooks:write', says: 'VERIFICATION_FAILED' },

  'Mutation.resolveDeadLetter': { rule: 'superuser', mfa: true, fresh: true },
  'Mutation.retryDeadLetter': { rule: 'superuser', mfa: true, fresh: true },
};

const ranks: Partial<Record<Person, number>> = { member: 1, admin: 2, owner: 3, 'owner long after signing in': 3 };
const atLeast: Partial<Record<Rule, number>> = {
  visible: 1,
  memberOrSuperuser: 1,
  adminOrSuperuser: 2,
  member: 1,
  admin: 2,
  owner: 3,
};
const passedSecondFactor: readonly Kind[] = ['superuser', 'owner', 'owner long after signing in'];

/** What one caller hears: a code, `null`, or `ok`. */
export function outcomeFor(name: string, row: Row, kind: Kind): string {
  const refusal = kind.startsWith('key ') ? keyRefusal(row, kind) : personRefusal(name, row, kind as Person);
  return refusal ?? row.but?.[kind] ?? row.says ?? 'ok';
}

/** A key is an admin of the organization with a second factor, and has no session. */
function keyRefusal({ rule, fresh, key }: Row, kind: Kind): string | null {
  if (!key || (key !== 'any' && kind !== `key ${key}`)) return 'FORBIDDEN';
  const isShut = rule === 'signedIn' || rule === 'self' || rule === 'superuser' || rule === 'owner' || fresh;
  return isShut ? 'FORBIDDEN' : null;
}

function personRefusal(name: string, row: Row, kind: Person): string | null {
  const role = roleRefusal(name, row, kind);
  if (role) return role;
  if (row.mfa && !passedSecondFactor.includes(kind)) return 'MFA_REQUIRED';
  return row.fresh && kind === 'owner long after signing in' ? 'REAUTHENTICATION_REQUIRED' : null;
}

function roleRefusal(name: string, { rule }: Row, kind: Person): string | null {
  if (rule === 'anyone') return null;
  const isOutside = !ranks[kind] && !(kind === 'superuser' && (rule === 'visible' || rule.endsWith('OrSuperuser')));
  if (rule === 'visible' || name.startsWith('Organization.')) {
    if (isOutside && !(kind === 'superuser' && name.startsWith('Organization.'))) return 'null';
  }
  if (kind === 'anonymous') return 'UNAUTHENTICATED';
  if (rule === 'signedIn') return null;
  if (rule === 'superuser') return kind.startsWith('superuser') ? null : 'FORBIDDEN';
  if (rule === 'self') return kind.startsWith('owner') ? null : 'NOT_FOUND';
  if (isOutside) return 'NOT_FOUND';
  return kind === 'superuser' || (ranks[kind] ?? 0) >= (atLeast[rule] ?? 0) ? null : 'FORBIDDEN';
}

/** The row, as it would stand above, that gives exactly these outcomes; null where only a row with `but` could. */
export function rowFor(name: string, found: Readonly<Record<string, string>>): string | null {
  const rules: Rule[] = [
    'anyone',
    'signedIn',
    'visible',
    'memberOrSuperuser',
    'adminOrSuperuser',
    'member',
    'admin',
    'owner',
    'superuser',
    'self',
  ];
  const says = new Set(['ok', ...Object.values(found)]);
  for (const rule of rules) {
    for (const key of [undefined, 'any', ...scopes] as const) {
      for (const proof of [{}, { mfa: true }, { fresh: true }, { mfa: true, fresh: true }] as const) {
        for (const said of says) {
          const row: Row = { rule, ...(key && { key }), ...proof, ...(said !== 'ok' && { says: said }) };
          if (kinds.every((kind) => outcomeFor(name, row, kind) === found[kind])) return JSON.stringify(row);
        }
      }
    }
  }
  return null;
}
