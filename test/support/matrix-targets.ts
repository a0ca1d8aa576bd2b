import { encodeId, newId } from '../../src/platform/typeid.ts';
import { aKey } from './api-keys.ts';
import type { Cast } from './callers.ts';
import { aFile, anUpload } from './files.ts';
import { anEndpoint, uuidOfEndpoint } from './webhooks.ts';
import { anAddress, type Person, type TestApp } from './world.ts';

/** What a call can be about. */
export interface Setting {
  readonly app: TestApp;
  readonly cast: Cast & { readonly owner: Person };
  /** The UUID of the cast's organization. */
  readonly organizationId: string;
  /** Where nobody proves to be a receiver of webhooks. */
  readonly receiverUrl: string;
}

/** Makes one of its kind and tells its id. Each caller gets one of their own, so that none finds what another took away. */
type Maker = (setting: Setting) => Promise<string> | string;

const organization: Maker = ({ cast }) => cast.organizationId;
const session: Maker = ({ cast }) => cast.owner.sessionId;
const apiKey: Maker = async ({ app, cast }) => (await aKey(app, cast.owner)).id;
const file: Maker = ({ cast }) => aFile(cast.owner);
const upload: Maker = async ({ cast }) => (await anUpload(cast.owner)).id;

const endpoint: Maker = async ({ app: { platform }, cast, organizationId, receiverUrl }) => {
  // The plan has few.
  await platform.db.webhookEndpoint.deleteMany({ where: { organizationId } });
  return (await anEndpoint(cast.owner, { url: receiverUrl })).id;
};

const invitation: Maker = async ({ app: { platform }, cast, organizationId }) => {
  const { id: invitedById } = await platform.db.user.findUniqueOrThrow({ where: { email: cast.owner.email } });
  const [id, createdAt] = [newId(), new Date()];
  const expiresAt = new Date(createdAt.getTime() + 86_400_000);
  await platform.db.invitation.create({
    data: { id, organizationId, email: anAddress(), role: 'MEMBER', invitedById, createdAt, expiresAt },
  });
  return encodeId('Invitation', id);
};

async function aSeat({ app: { platform }, organizationId }: Setting) {
  const [userId, membershipId, now] = [newId(), newId(), new Date()];
  await platform.db.user.create({ data: { id: userId, email: anAddress(), name: 'Target', createdAt: now } });
  await platform.db.membership.create({
    data: { id: membershipId, organizationId, userId, role: 'MEMBER', joinedAt: now },
  });
  return { userId, membershipId };
}

const user: Maker = async (setting) => encodeId('User', (await aSeat(setting)).userId);
const member: Maker = async (setting) => encodeId('Membership', (await aSeat(setting)).membershipId);

const delivery: Maker = async (setting) => {
  const { platform } = setting.app;
  const endpointId = uuidOfEndpoint(await endpoint(setting));
  const [id, eventId, createdAt] = [newId(), newId(), new Date()];
  const { organizationId } = setting;
  // What has not proved itself gets nothing, and stands in the way of nothing.
  await platform.db.webhookEndpoint.update({ where: { id: endpointId }, data: { status: 'ENABLED' } });
  await platform.db.webhookEvent.create({
    data: { id: eventId, organizationId, type: 'test.ping', payload: '{}', createdAt },
  });
  await platform.db.webhookDelivery.create({
    data: { id, organizationId, eventId, endpointId, status: 'FAILED', createdAt },
  });
  return encodeId('WebhookDelivery', id);
};

const deadLetter: Maker = async ({ app: { platform } }) => {
  const id = newId();
  await platform.db.deadLetter.create({
    data: {
      id,
      jobId: newId(),
      queue: 'account.removeExpired',
      payload: {},
      error: 'it failed',
      history: [],
      attempts: 1,
      failedAt: new Date(),
    },
  });
  return encodeId('DeadLetter', id);
};

/** What the `id`, or the `membershipId`, of a mutation's input names. */
export const targets: Readonly<Record<string, Maker>> = {
  changeMemberRole: member,
  removeMember: member,
  resendInvitation: invitation,
  revokeInvitation: invitation,
  revokeApiKey: apiKey,
  rotateApiKey: apiKey,
  lockUser: user,
  unlockUser: user,
  revokeSession: session,
  updateOrganization: organization,
  deleteOrganization: organization,
  createBillingPortalSession: organization,
  abortUpload: upload,
  uploadProgress: upload,
  purgeFile: file,
  renameFile: file,
  restoreFile: file,
  trashFile: file,
  deleteWebhookEndpoint: endpoint,
  recoverWebhookEndpoint: endpoint,
  redeliverWebhook: delivery,
  rotateWebhookSecret: endpoint,
  sendTestWebhook: endpoint,
  setWebhookEndpointEnabled: endpoint,
  updateWebhookEndpoint: endpoint,
  verifyWebhookEndpoint: endpoint,
  resolveDeadLetter: deadLetter,
  retryDeadLetter: deadLetter,
};
