import type { Actor, Ctx } from '../../context.ts';
import { NotFound } from '../../errors.ts';
import type { Prisma, WebhookEndpoint } from '../../generated/prisma/client.ts';
import { open, seal } from '../../platform/envelope.ts';
import { placeIn, type SealedColumn } from '../../platform/sealed-columns.ts';
import { nilId } from '../../platform/typeid.ts';
import { openOrganizations, organizationOpenToKey, readsEverything } from '../members/members.access.ts';
import type { CustomHeader } from './custom-headers.ts';

/** The organizations whose webhooks the caller may see: those they are an admin of; a key's own if it has the scope. */
function organizationsWithOpenWebhooks(actor: Actor): Prisma.OrganizationWhereInput {
  if (actor.kind === 'apiKey') return organizationOpenToKey(actor, 'webhooks:read');
  return openOrganizations(actor, 'OWNER', 'ADMIN');
}

/** For endpoints, events and deliveries alike. */
export function visibleWebhooks(actor: Actor): { organization?: Prisma.OrganizationWhereInput } {
  return readsEverything(actor) ? {} : { organization: organizationsWithOpenWebhooks(actor) };
}

/** The organization of an endpoint, for the scope that guards it; the id of nothing for an unknown one. */
export async function organizationIdOfEndpoint(ctx: Ctx, endpointId: string): Promise<string> {
  const endpoint = await ctx.db.webhookEndpoint.findUnique({
    where: { id: endpointId },
    select: { organizationId: true },
  });
  return endpoint?.organizationId ?? nilId;
}

/** The organization of a delivery, as `organizationIdOfEndpoint`. */
export async function organizationIdOfDelivery(ctx: Ctx, deliveryId: string): Promise<string> {
  const delivery = await ctx.db.webhookDelivery.findUnique({
    where: { id: deliveryId },
    select: { organizationId: true },
  });
  return delivery?.organizationId ?? nilId;
}

/** The endpoint as it is and stays until the transaction ends. Deliveries are locked after it, never before. @throws NotFound */
export async function lockEndpoint(ctx: Ctx, endpointId: string): Promise<WebhookEndpoint> {
  const endpoint = await holdEndpoint(ctx, endpointId);
  if (!endpoint) throw new NotFound();
  return endpoint;
}

/** As `lockEndpoint`, for whom an endpoint that is gone is no refusal. */
export async function holdEndpoint(ctx: Ctx, endpointId: string): Promise<WebhookEndpoint | null> {
  await ctx.db.$queryRaw`SELECT FROM webhook_endpoints WHERE id = ${endpointId}::uuid FOR NO KEY UPDATE`;
  return ctx.db.webhookEndpoint.findUnique({ where: { id: endpointId } });
}

type Owned = Pick<WebhookEndpoint, 'id' | 'organizationId'>;
type Sealed = 'secret' | 'previous_secret' | 'headers';

function placeOf(endpoint: Owned, column: Sealed) {
  const name: SealedColumn = `webhook_endpoints.${column}`;
  return placeIn(name, { rowId: endpoint.id, ownerId: endpoint.organizationId });
}

export function sealFor(ctx: Ctx, endpoint: Owned, { column, value }: { column: Sealed; value: string }): string {
  return seal(ctx.platform.keyring, placeOf(endpoint, column), value);
}

/** The secrets that deliveries are signed with now, the newest first. */
export function secretsOf(ctx: Ctx, endpoint: WebhookEndpoint): [string, ...string[]] {
  const { keyring } = ctx.platform;
  const { previousSecret, previousSecretExpiresAt } = endpoint;
  const newest = open(keyring, placeOf(endpoint, 'secret'), endpoint.secret);
  if (!previousSecret || !previousSecretExpiresAt || previousSecretExpiresAt <= ctx.now()) return [newest];
  return [newest, open(keyring, placeOf(endpoint, 'previous_secret'), previousSecret)];
}

/** What the endpoint wants to be sent along. */
export function headersOf(ctx: Ctx, endpoint: WebhookEndpoint): Record<string, string> {
  if (!endpoint.headers) return {};
  const headers = JSON.parse(open(ctx.platform.keyring, placeOf(endpoint, 'headers'), endpoint.headers));
  return Object.fromEntries((headers as CustomHeader[]).map(({ name, value }) => [name, value]));
}
