import type { Prisma } from '../generated/prisma/client.ts';
import { encodeId, idPrefixes, type Kind } from '../platform/typeid.ts';

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** Names of metadata that end in no kind of their own. */
const kindByName: Readonly<Record<string, Kind>> = { ownerId: 'User' };
const kinds = Object.keys(idPrefixes) as Kind[];

/** The TypeID of a thing of this type; null for a type that has none. */
export function publicId(type: string | null, id: string | null): string | null {
  const kind = kinds.find((name) => name === type);
  return kind && id ? encodeId(kind, id) : null;
}

/** Metadata with TypeIDs where UUIDs stand under a name that ends in their kind: `userId`, `fromUserId`. */
export function publicMetadata(metadata: Prisma.JsonValue): Prisma.JsonValue {
  if (metadata === null || typeof metadata !== 'object' || Array.isArray(metadata)) return metadata;
  const entries = Object.entries(metadata).map(([name, value = null]) => [name, publicValue(name, value)]);
  return Object.fromEntries(entries) as Prisma.JsonObject;
}

function publicValue(name: string, value: Prisma.JsonValue): Prisma.JsonValue {
  if (typeof value !== 'string' || !uuid.test(value)) return value;
  const kind = kindByName[name] ?? kinds.find((kind) => name.toLowerCase().endsWith(`${kind.toLowerCase()}id`));
  return kind ? encodeId(kind, value) : value;
}
