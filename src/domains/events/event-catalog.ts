import { z } from 'zod';

/** What a webhook endpoint can subscribe to, and what `data` holds. Ids are TypeIDs, as everywhere outside. */
export const eventCatalog = {
  'organization.updated': z.strictObject({ organizationId: z.string(), name: z.string(), slug: z.string() }),
} as const;

export type EventType = keyof typeof eventCatalog;
export type EventData<Type extends EventType> = z.output<(typeof eventCatalog)[Type]>;
