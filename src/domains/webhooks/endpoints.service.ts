import { z } from 'zod';
import type { Ctx } from '../../context.ts';
import { Conflict, parseInput, ValidationFailed } from '../../errors.ts';
import type { Prisma, WebhookEndpoint } from '../../generated/prisma/client.ts';
import { enqueue } from '../../jobs/queue.ts';
import { transact } from '../../platform/db.ts';
import { DestinationRefused } from '../../platform/safe-http.ts';
import { newId } from '../../platform/typeid.ts';
import { recordAudit } from '../audit/audit.service.ts';
import { eventTypes } from '../events/event-catalog.ts';
import { lockOrganization } from '../organizations/organization-lock.ts';
import { termsOf } from '../quotas/limits.service.ts';
import { webhookEndpointsOf } from '../quotas/plans.ts';
import { type CustomHeader, CustomHeaders } from './custom-headers.ts';
import { lockEndpoint, sealFor } from './endpoint-access.service.ts';
import { newWebhookSecret, secretHintOf } from './webhook-secret.ts';

const Url = z.string().trim().max(2048, 'Use at most 2048 characters.');
const EventTypes = z
  .array(z.enum(eventTypes, 'There is no such event; `webhookEventTypes` lists them.'))
  .min(1, 'Choose at least one event.')
  .transform((chosen) => eventTypes.filter((type) => chosen.includes(type)));
const Description = z.string().trim().max(200, 'Use at most 200 characters.');
const NewEndpoint = z.object({
  url: Url,
  eventTypes: EventTypes,
  description: Description.nullish(),
  headers: CustomHeaders.nullish(),
});
const Change = z.object({
  url: Url.nullish(),
  eventTypes: EventTypes.nullish(),
  description: Description.nullish(),
  headers: CustomHeaders.nullish(),
});

interface Form {
  url?: string | null | undefined;
  eventTypes?: string[] | null | undefined;
  description?: string | null | undefined;
  headers?: CustomHeader[] | null | undefined;
}

/** An endpoint and its secret, which nobody is shown again. */
export interface EndpointSecret {
  readonly endpointId: string;
  readonly secret: string;
}

/**
 * Makes an endpoint, to which nothing is delivered before it has answered the challenge that is sent at once.
 * @throws ValidationFailed, also for a destination that may not be reached; Conflict when the plan has no more of them
 */
export async function createEndpoint(ctx: Ctx, input: Form & { organizationId: string }): Promise<EndpointSecret> {
  const { organizationId } = input;
  const form = parseInput(NewEndpoint, input);
  await requireDestination(ctx, form.url);
  const owned = { id: newId(), organizationId };
  const secret = newWebhookSecret();
  await transact(ctx, async (ctx) => {
    await lockOrganization(ctx, organizationId);
    await requireRoom(ctx, organizationId);
    const sealed = {
      secret: sealFor(ctx, owned, { column: 'secret', value: secret }),
      secretHint: secretHintOf(secret),
    };
    await ctx.db.webhookEndpoint.create({
      data: {
        ...owned,
        ...sealed,
        ...headerColumns(ctx, owned, form.headers ?? []),
        url: form.url,
        eventTypes: form.eventTypes,
        description: form.description ?? null,
        status: 'PENDING_VERIFICATION',
        createdAt: ctx.now(),
      },
    });
    await enqueue(ctx, 'webhook.challenge', { endpointId: owned.id });
    await auditEndpoint(ctx, { endpoint: owned, action: 'created', metadata: { host: new URL(form.url).host } });
  });
  return { endpointId: owned.id, secret };
}

/**
 * Changes what is given. Another URL must prove itself like a new one, meanwhile deliveries are held; a type that is taken
 * out cancels what waits of it. @throws ValidationFailed, NotFound
 */
export async function updateEndpoint(ctx: Ctx, input: Form & { endpointId: string }): Promise<{ endpointId: string }> {
  const { endpointId } = input;
  const form = parseInput(Change, input);
  if (form.url != null) await requireDestination(ctx, form.url);
  return transact(ctx, async (ctx) => {
    const endpoint = await lockEndpoint(ctx, endpointId);
    const data: Prisma.WebhookEndpointUncheckedUpdateInput = {
      ...(form.eventTypes != null && { eventTypes: form.eventTypes }),
      ...(form.description != null && { description: form.description || null }),
      ...(form.headers != null && headerColumns(ctx, endpoint, form.headers)),
      ...(form.url != null && form.url !== endpoint.url && movedTo(endpoint, form.url)),
    };
    await ctx.db.webhookEndpoint.update({ where: { id: endpointId }, data });
    if (data.url !== undefined) await enqueue(ctx, 'webhook.challenge', { endpointId });
    if (form.eventTypes != null) await cancelOtherTypes(ctx, { endpointId, eventTypes: form.eventTypes });
    await auditEndpoint(ctx, {
      endpoint,
      action: 'updated',
      metadata: { changed: Object.keys(data).sort().join(' ') },
    });
    return { endpointId };
  });
}

/** Takes an endpoint away with all that was on its way to it. @throws NotFound */
export async function deleteEndpoint(
  ctx: Ctx,
  { endpointId }: { endpointId: string },
): Promise<{ endpointId: string }> {
  return transact(ctx, async (ctx) => {
    const endpoint = await lockEndpoint(ctx, endpointId);
    await ctx.db.webhookEndpoint.delete({ where: { id: endpointId } });
    await auditEndpoint(ctx, { endpoint, action: 'deleted' });
    return { endpointId };
  });
}

/** Writes what was done to an endpoint into the audit log: `webhookEndpoint.<action>`. */
export function auditEndpoint(
  ctx: Ctx,
  audit: {
    endpoint: Pick<WebhookEndpoint, 'id' | 'organizationId'>;
    action: string;
    metadata?: Record<string, string | number | boolean | null>;
  },
): Promise<void> {
  const { id: targetId, organizationId } = audit.endpoint;
  const { metadata = {} } = audit;
  const action = `webhookEndpoint.${audit.action}`;
  return recordAudit(ctx, { organizationId, action, targetType: 'WebhookEndpoint', targetId, metadata });
}

/** One refusal for all that may not be reached, whatever the reason: the difference would map our network. */
async function requireDestination({ platform }: Ctx, url: string): Promise<void> {
  try {
    await platform.safeHttp.requireAllowed(url);
  } catch (error) {
    if (!(error instanceof DestinationRefused)) throw error;
    throw new ValidationFailed([{ path: ['url'], message: 'Use an https: address that the internet can reach.' }]);
  }
}

async function requireRoom(ctx: Ctx, organizationId: string): Promise<void> {
  const { plan } = await termsOf(ctx, { organizationId, resource: 'API_CALLS' });
  const allowed = webhookEndpointsOf(plan);
  if ((await ctx.db.webhookEndpoint.count({ where: { organizationId } })) < allowed) return;
  throw new Conflict(`The plan ${plan.name} has ${allowed} webhook endpoints, and all are in use.`);
}

function headerColumns(ctx: Ctx, owned: { id: string; organizationId: string }, headers: CustomHeader[]) {
  const value = JSON.stringify(headers);
  return {
    headers: headers.length > 0 ? sealFor(ctx, owned, { column: 'headers', value }) : null,
    headerNames: headers.map(({ name }) => name),
  };
}

function movedTo({ status, proofVersion }: WebhookEndpoint, url: string) {
  const next = status === 'DISABLED' ? status : ('PENDING_VERIFICATION' as const);
  return { url, status: next, proofVersion: proofVersion + 1, verifiedAt: null, reverifyBy: null };
}

async function cancelOtherTypes(ctx: Ctx, { endpointId, eventTypes }: { endpointId: string; eventTypes: string[] }) {
  await ctx.db.webhookDelivery.updateMany({
    where: { endpointId, status: 'PENDING', event: { type: { notIn: eventTypes } } },
    data: { status: 'CANCELED', dueAt: null },
  });
}
