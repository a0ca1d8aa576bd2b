import type { Ctx } from '../../context.ts';
import type {
  Prisma,
  WebhookDelivery,
  WebhookDeliveryStatus,
  WebhookEndpoint,
  WebhookEvent,
} from '../../generated/prisma/client.ts';

interface PageQuery {
  readonly id: Prisma.UuidFilter;
  readonly orderBy: { id: 'asc' | 'desc' };
  readonly take: number;
}

type Chosen<Args> = Pick<Args, Extract<keyof Args, 'select' | 'include'>>;

/** The endpoints of an organization, oldest first. */
export function endpointsOf(
  ctx: Ctx,
  { organizationId }: { organizationId: string },
  query: Chosen<Prisma.WebhookEndpointFindManyArgs>,
) {
  const where = { organizationId };
  return {
    name: 'webhookEndpoints',
    find: ({ id, orderBy, take }: PageQuery): Promise<WebhookEndpoint[]> =>
      ctx.db.webhookEndpoint.findMany({ ...query, where: { AND: [where, { id }] }, orderBy, take }),
    count: () => ctx.db.webhookEndpoint.count({ where }),
  };
}

/** What happened in an organization, newest first, of one type if one is named. */
export function eventsOf(
  ctx: Ctx,
  { organizationId, type }: { organizationId: string; type: string | null },
  query: Chosen<Prisma.WebhookEventFindManyArgs>,
) {
  const where = { organizationId, ...(type !== null && { type }) };
  return {
    name: `webhookEvents/${organizationId}`,
    find: (page: PageQuery): Promise<WebhookEvent[]> =>
      ctx.db.webhookEvent.findMany({ ...query, ...newestFirst(where, page) }),
    count: () => ctx.db.webhookEvent.count({ where }),
  };
}

/** What was, is or will be sent to an endpoint, newest first, in one state if one is named. */
export function deliveriesOf(
  ctx: Ctx,
  { endpointId, status }: { endpointId: string; status: WebhookDeliveryStatus | null },
  query: Chosen<Prisma.WebhookDeliveryFindManyArgs>,
) {
  const where = { endpointId, ...(status !== null && { status }) };
  return {
    name: `webhookDeliveries/${endpointId}`,
    find: (page: PageQuery): Promise<WebhookDelivery[]> =>
      ctx.db.webhookDelivery.findMany({ ...query, ...newestFirst(where, page) }),
    count: () => ctx.db.webhookDelivery.count({ where }),
  };
}

/** What comes after in the list has the lower id. */
function newestFirst<Where>(where: Where, { id, orderBy, take }: PageQuery) {
  const { gt, lt } = id as { gt?: string; lt?: string };
  return {
    where: { AND: [where, { id: { ...(gt && { lt: gt }), ...(lt && { gt: lt }) } }] },
    orderBy: { id: orderBy.id === 'asc' ? ('desc' as const) : ('asc' as const) },
    take,
  };
}
