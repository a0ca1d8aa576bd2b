import { randomBytes, randomUUID } from 'node:crypto';
import { systemCtx } from '../../src/context.ts';
import { recordAudit } from '../../src/domains/audit/audit.service.ts';
import { transact } from '../../src/platform/db.ts';
import { decodeId, encodeId, type Kind, newId } from '../../src/platform/typeid.ts';
import { aKey } from './api-keys.ts';
import { signInWithSecondFactor, withSecondFactor } from './second-factor.ts';
import { anEndpoint } from './webhooks.ts';
import { anAddress, aPerson, type Person, type TestApp } from './world.ts';

/** Who sees every list, and what is in them. */
export interface RelayWorld {
  readonly app: TestApp;
  /** An owner who is a superuser with a second factor. */
  readonly owner: Person;
  readonly organizationId: string;
  readonly userId: string;
  readonly endpointId: string;
}

export async function aRelayWorld(app: TestApp): Promise<RelayWorld> {
  const person = await aPerson(app, { name: 'Olga' });
  const { id: userId } = await app.platform.db.user.update({
    where: { email: person.email },
    data: { isSuperuser: true },
  });
  const owner = await signInWithSecondFactor(app, person, await withSecondFactor(app, person));
  const organizationId = decodeId('Organization', owner.organizationId) ?? '';
  await aKey(app, owner);
  // Nothing listens there: it stays unverified, and nothing is sent.
  const { id } = await anEndpoint(owner, { url: 'http://127.0.0.1:9/' });
  return { app, owner, organizationId, userId, endpointId: decodeId('WebhookEndpoint', id) ?? '' };
}

/** A connection of the schema: where it is, how a row gets into it, and how one is taken out. */
export interface ListCase {
  /** What stands around the field. */
  readonly around: (world: RelayWorld, field: string) => string;
  readonly add: (world: RelayWorld) => Promise<unknown>;
  readonly kind: Kind;
  /** Null for what is kept for good. */
  readonly remove: ((world: RelayWorld, uuid: string) => Promise<unknown>) | null;
}

const inAdmin: ListCase['around'] = (_, field) => `{ admin { ${field} } }`;
const inViewer: ListCase['around'] = (_, field) => `{ viewer { ${field} } }`;
const inOrganization: ListCase['around'] = ({ owner }, field) =>
  `{ organization(id: "${owner.organizationId}") { ${field} } }`;
const inEndpoint: ListCase['around'] = ({ endpointId }, field) =>
  `{ node(id: "${encodeId('WebhookEndpoint', endpointId)}") { ... on WebhookEndpoint { ${field} } } }`;

const now = () => new Date();

async function aUser({ app: { platform } }: RelayWorld): Promise<string> {
  const id = newId();
  await platform.db.user.create({ data: { id, email: anAddress('row'), name: 'Row', createdAt: now() } });
  return id;
}

async function anOrganization({ app: { platform } }: RelayWorld): Promise<string> {
  const id = newId();
  await platform.db.organization.create({ data: { id, name: 'Row', slug: `row-${id}`, createdAt: now() } });
  return id;
}

async function aSeat({ app: { platform } }: RelayWorld, organizationId: string, userId: string) {
  await platform.db.membership.create({
    data: { id: newId(), organizationId, userId, role: 'MEMBER', joinedAt: now() },
  });
}

async function anEvent({ app: { platform }, organizationId }: RelayWorld): Promise<string> {
  const id = newId();
  await platform.db.webhookEvent.create({
    data: { id, organizationId, type: 'test.ping', payload: '{}', createdAt: now() },
  });
  return id;
}

const anEntry = ({ app: { platform } }: RelayWorld, organizationId: string | null) =>
  transact(systemCtx(platform), (ctx) =>
    recordAudit(ctx, { organizationId, action: 'user.locked', targetType: 'User', targetId: newId() }),
  );

/** By `Type.field`. */
export const listCases: Readonly<Record<string, ListCase>> = {
  'Admin.auditLog': { around: inAdmin, kind: 'AuditEntry', add: (world) => anEntry(world, null), remove: null },
  'Admin.deadLetters': {
    around: inAdmin,
    kind: 'DeadLetter',
    add: ({ app: { platform } }) => {
      const [id, jobId] = [newId(), newId()];
      const data = { id, jobId, queue: 'file.sweep', payload: {}, error: 'it failed', history: [], attempts: 1 };
      return platform.db.deadLetter.create({ data: { ...data, failedAt: now() } });
    },
    remove: ({ app: { platform } }, id) => platform.db.deadLetter.delete({ where: { id } }),
  },
  'Admin.organizations': {
    around: inAdmin,
    kind: 'Organization',
    add: anOrganization,
    remove: ({ app: { platform } }, id) => platform.db.organization.delete({ where: { id } }),
  },
  'Admin.users': {
    around: inAdmin,
    kind: 'User',
    add: aUser,
    remove: ({ app: { platform } }, id) => platform.db.user.delete({ where: { id } }),
  },
  'Organization.apiKeys': {
    around: inOrganization,
    kind: 'ApiKey',
    add: async ({ app: { platform }, organizationId }) => {
      const row = await platform.db.apiKey.findFirstOrThrow({ where: { organizationId } });
      return platform.db.apiKey.create({ data: { ...row, id: newId(), digest: randomBytes(32) } });
    },
    remove: ({ app: { platform } }, id) => platform.db.apiKey.delete({ where: { id } }),
  },
  'Organization.auditLog': {
    around: inOrganization,
    kind: 'AuditEntry',
    add: (world) => anEntry(world, world.organizationId),
    remove: null,
  },
  'Organization.files': {
    around: inOrganization,
    kind: 'File',
    add: ({ app: { platform }, organizationId }) => {
      const data = { id: newId(), organizationId, name: 'row.txt', size: 1n, contentType: 'text/plain' };
      return platform.db.file.create({ data: { ...data, sha256: '00', storageKey: randomUUID(), createdAt: now() } });
    },
    remove: ({ app: { platform } }, id) => platform.db.file.delete({ where: { id } }),
  },
  'Organization.invitations': {
    around: inOrganization,
    kind: 'Invitation',
    add: ({ app: { platform }, organizationId }) => {
      const data = { id: newId(), organizationId, email: anAddress('row'), role: 'MEMBER' as const, createdAt: now() };
      return platform.db.invitation.create({ data: { ...data, expiresAt: new Date(Date.now() + 86_400_000) } });
    },
    remove: ({ app: { platform } }, id) => platform.db.invitation.delete({ where: { id } }),
  },
  'Organization.members': {
    around: inOrganization,
    kind: 'Membership',
    add: async (world) => aSeat(world, world.organizationId, await aUser(world)),
    remove: ({ app: { platform } }, id) => platform.db.membership.delete({ where: { id } }),
  },
  'Organization.webhookEndpoints': {
    around: inOrganization,
    kind: 'WebhookEndpoint',
    add: async ({ app: { platform }, endpointId }) => {
      const row = await platform.db.webhookEndpoint.findUniqueOrThrow({ where: { id: endpointId } });
      return platform.db.webhookEndpoint.create({ data: { ...row, id: newId() } });
    },
    remove: ({ app: { platform } }, id) => platform.db.webhookEndpoint.delete({ where: { id } }),
  },
  'Organization.webhookEvents': {
    around: inOrganization,
    kind: 'WebhookEvent',
    add: anEvent,
    remove: ({ app: { platform } }, id) => platform.db.webhookEvent.delete({ where: { id } }),
  },
  'Viewer.memberships': {
    around: inViewer,
    kind: 'Membership',
    add: async (world) => aSeat(world, await anOrganization(world), world.userId),
    remove: ({ app: { platform } }, id) => platform.db.membership.delete({ where: { id } }),
  },
  'Viewer.notifications': {
    around: inViewer,
    kind: 'Notification',
    add: async ({ app: { platform }, userId }) => {
      const position = process.hrtime.bigint();
      const data = { id: newId(), userId, type: 'INVITATION_RECEIVED', data: {}, createdAt: now() };
      return platform.db.notification.create({ data: { ...data, position, changePosition: position } });
    },
    remove: ({ app: { platform } }, id) => platform.db.notification.delete({ where: { id } }),
  },
  'WebhookEndpoint.deliveries': {
    around: inEndpoint,
    kind: 'WebhookDelivery',
    add: async (world) => {
      const { app, organizationId, endpointId } = world;
      const data = { id: newId(), organizationId, endpointId, eventId: await anEvent(world), createdAt: now() };
      return app.platform.db.webhookDelivery.create({ data: { ...data, status: 'FAILED' } });
    },
    remove: ({ app: { platform } }, id) => platform.db.webhookDelivery.delete({ where: { id } }),
  },
};
