import type { EventData, EventType } from './event-catalog.ts';

interface Illustration<Type extends EventType> {
  /** When it is sent. */
  readonly when: string;
  readonly data: EventData<Type>;
}

const membershipId = 'mem_01kb0q3w9rf8ktc2v6m1x4z7ye';
const userId = 'usr_01kb0q2m5deq7tq3gw8n0j6s9x';
const apiKeyId = 'key_01kb0q9d1ye1sbmz3v5c7k2f4w';
const webhookEndpointId = 'whe_01kb0q7z3kf5ga8p2n4r6t0v1x';
const member = { membershipId, userId, role: 'MEMBER' } as const;
const file = {
  fileId: 'fil_01kb0q8h2xf0pbj4c6w8y1s3d5',
  name: 'report.pdf',
  size: 48_213,
  contentType: 'application/pdf',
  sha256: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
};

/** What each event is about, with an example: what `docs/webhooks.md` shows, and what the catalog must accept. */
export const eventExamples: { readonly [Type in EventType]: Illustration<Type> } = {
  'member.joined': { when: 'Somebody accepted an invitation.', data: member },
  'member.removed': { when: 'Somebody was removed, or left.', data: member },
  'member.roleChanged': {
    when: 'A member got another role.',
    data: { membershipId, userId, from: 'MEMBER', to: 'ADMIN' },
  },
  'invitation.sent': {
    when: 'Somebody was invited, or invited again.',
    data: { invitationId: 'inv_01kb0q5t7gfxs9d1h3k5m7p9rw', email: 'grace@example.com', role: 'MEMBER' },
  },
  'file.created': { when: 'A file is there with all its bytes.', data: file },
  'file.renamed': { when: 'A file has another name.', data: file },
  'file.trashed': { when: 'A file was put into the trash.', data: file },
  'file.restored': { when: 'A file was taken out of the trash.', data: file },
  'file.purged': { when: 'A file is gone for good.', data: file },
  'organization.updated': {
    when: 'Name, slug or rules of the organization have changed.',
    data: { organizationId: 'org_01kb0q1c8bf3vtn5x7z9b2d4fg', name: 'Analytical Engines', slug: 'analytical-engines' },
  },
  'apiKey.created': { when: 'An API key was made.', data: { apiKeyId } },
  'apiKey.rotated': { when: 'An API key has a new secret.', data: { apiKeyId } },
  'apiKey.revoked': { when: 'An API key was ended.', data: { apiKeyId } },
  'quota.threshold': {
    when: 'A part of a quota is used up.',
    data: { resource: 'API_CALLS', percent: 80, used: 8_000, limit: 10_000 },
  },
  'subscription.updated': {
    when: 'Plan or state of the subscription have changed.',
    data: { planId: 'team', status: 'ACTIVE', currentPeriodEnd: '2026-12-24T00:00:00.000Z', cancelAtPeriodEnd: false },
  },
  'webhookEndpoint.disabled': {
    when: 'An endpoint gets nothing any more: it answered 410, failed for five days, or an admin switched it off.',
    data: { webhookEndpointId, reason: 'failing' },
  },
  'test.ping': { when: 'An admin asked for a test.', data: { webhookEndpointId } },
};
