/**
 * Sign-in: free whatever is asked for along with it, since whoever cannot sign in, or refresh, cannot see why.
 */
export const freeWithAllTheyGive: ReadonlySet<string> = new Set([
  'register',
  'login',
  'verifyMfaChallenge',
  'beginOAuthLogin',
  'completeOAuthLogin',
  'refreshSession',
  'logout',
]);

/**
 * What costs no API call: the own account, billing, what says how much is left, and taking access away from whoever used it
 * all up. Of the types that stand here only these fields are free; of all others, every field. An operation is free when all
 * that it asks for is.
 */
export const freeFields: Readonly<Record<string, ReadonlySet<string>>> = {
  Query: new Set(['viewer', 'organization', 'plans', 'oauthProviders', 'invitation']),
  Mutation: new Set([
    'verifyEmail',
    'resendVerificationEmail',
    'requestPasswordReset',
    'resetPassword',
    'revokeSession',
    'revokeOtherSessions',
    'reauthenticate',
    'updateProfile',
    'changePassword',
    'changeEmail',
    'confirmEmailChange',
    'deleteAccount',
    'unlinkIdentity',
    'setActiveOrganization',
    'beginTotpEnrollment',
    'confirmTotpEnrollment',
    'regenerateBackupCodes',
    'disableTotp',
    'acceptInvitation',
    'declineInvitation',
    'updateNotificationPreference',
    'revokeApiKey',
    'removeMember',
    'setOrganizationQuota',
    'createCheckoutSession',
    'createBillingPortalSession',
  ]),
  Subscription: new Set(),
  Viewer: new Set([
    'id',
    'user',
    'email',
    'emailVerified',
    'isSuperuser',
    'activeOrganization',
    'memberships',
    'invitations',
    'session',
    'sessions',
    'mfa',
    'identities',
    'notificationPreferences',
  ]),
  Organization: new Set([
    'id',
    'name',
    'slug',
    'createdAt',
    'viewerRole',
    'requiresMfa',
    'quotas',
    'quota',
    'usage',
    'billing',
    'apiKeys',
  ]),
};
