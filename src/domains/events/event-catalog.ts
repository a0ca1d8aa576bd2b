import { z } from 'zod';

const id = z.string();
const Role = z.enum(['OWNER', 'ADMIN', 'MEMBER']);
const Member = z.strictObject({ membershipId: id, userId: id, role: Role });
const Key = z.strictObject({ apiKeyId: id });
const File = z.strictObject({
  fileId: id,
  name: z.string(),
  size: z.int(),
  contentType: z.string(),
  sha256: z.string(),
});
const instant = z.iso.datetime();

/** What a webhook endpoint can subscribe to, and what `data` holds. Ids are TypeIDs, as everywhere outside. */
export const eventCatalog = {
  'member.joined': Member,
  'member.removed': Member,
  'member.roleChanged': z.strictObject({ membershipId: id, userId: id, from: Role, to: Role }),
  'invitation.sent': z.strictObject({ invitationId: id, email: z.string(), role: Role }),
  'organization.updated': z.strictObject({ organizationId: id, name: z.string(), slug: z.string() }),
  'file.created': File,
  'file.renamed': File,
  'file.trashed': File,
  'file.restored': File,
  'file.purged': File,
  'apiKey.created': Key,
  'apiKey.rotated': Key,
  'apiKey.revoked': Key,
  'quota.threshold': z.strictObject({
    resource: z.enum(['API_CALLS', 'STORAGE_BYTES', 'MEMBERS']),
    percent: z.int(),
    used: z.int(),
    limit: z.int(),
  }),
  'subscription.updated': z.strictObject({
    planId: z.string(),
    status: z.enum(['NONE', 'TRIALING', 'ACTIVE', 'PAST_DUE', 'UNPAID', 'PAUSED', 'CANCELED', 'INCOMPLETE']),
    currentPeriodEnd: instant.nullable(),
    cancelAtPeriodEnd: z.boolean(),
  }),
  'webhookEndpoint.disabled': z.strictObject({
    webhookEndpointId: id,
    reason: z.enum(['gone', 'failing', 'asked']),
  }),
  'test.ping': z.strictObject({ webhookEndpointId: id }),
} as const;

export type EventType = keyof typeof eventCatalog;
export type EventData<Type extends EventType> = z.output<(typeof eventCatalog)[Type]>;

/** The names of all events, in the order of the catalog. */
export const eventTypes = Object.keys(eventCatalog) as [EventType, ...EventType[]];
