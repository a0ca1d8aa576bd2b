import type { Role } from '../../generated/prisma/client.ts';

/** What a key can be made for, and the role that the person behind it must have at each use. */
export const apiKeyScopes = {
  'organization:read': 'MEMBER',
  'members:read': 'MEMBER',
  'members:write': 'MEMBER',
  'files:read': 'MEMBER',
  'files:write': 'MEMBER',
  'usage:read': 'ADMIN',
  'webhooks:read': 'ADMIN',
  'webhooks:write': 'ADMIN',
  'audit:read': 'ADMIN',
} as const satisfies Record<string, Role>;

export type ApiKeyScope = keyof typeof apiKeyScopes;

/**
 * Every field of Query, Mutation, Subscription and Organization that lets a key in, and the scope that it asks for: `any` is
 * any key, which sees there what its scopes show. What is not here is closed to keys, new fields too. The field's own
 * rule of who may comes on top: a scope never makes an admin.
 */
export const openToKeys: Readonly<Record<string, ApiKeyScope | 'any'>> = {
  'Query.viewer': 'any',
  'Query.node': 'any',
  'Query.nodes': 'any',
  'Query.organization': 'any',
  'Query.user': 'any',
  'Query.invitation': 'any',
  'Query.plans': 'any',
  'Query.oauthProviders': 'any',
  'Query.apiKeyScopes': 'any',
  'Query.webhookEventTypes': 'any',

  'Organization.id': 'any',
  'Organization.name': 'organization:read',
  'Organization.slug': 'organization:read',
  'Organization.createdAt': 'organization:read',
  'Organization.viewerRole': 'organization:read',
  'Organization.requiresMfa': 'organization:read',
  'Organization.members': 'members:read',
  'Organization.invitations': 'members:read',
  'Organization.files': 'files:read',
  'Organization.quotas': 'usage:read',
  'Organization.quota': 'usage:read',
  'Organization.usage': 'usage:read',
  'Organization.webhookEndpoints': 'webhooks:read',
  'Organization.webhookEvents': 'webhooks:read',
  'Organization.auditLog': 'audit:read',

  'Mutation.inviteMember': 'members:write',
  'Mutation.resendInvitation': 'members:write',
  'Mutation.revokeInvitation': 'members:write',
  'Mutation.changeMemberRole': 'members:write',
  'Mutation.removeMember': 'members:write',
  'Mutation.createUpload': 'files:write',
  'Mutation.abortUpload': 'files:write',
  'Mutation.renameFile': 'files:write',
  'Mutation.trashFile': 'files:write',
  'Mutation.restoreFile': 'files:write',
  'Mutation.purgeFile': 'files:write',
  'Mutation.updateWebhookEndpoint': 'webhooks:write',
  'Mutation.verifyWebhookEndpoint': 'webhooks:write',
  'Mutation.setWebhookEndpointEnabled': 'webhooks:write',
  'Mutation.deleteWebhookEndpoint': 'webhooks:write',
  'Mutation.sendTestWebhook': 'webhooks:write',
  'Mutation.redeliverWebhook': 'webhooks:write',

  'Subscription.uploadProgress': 'files:read',
};
