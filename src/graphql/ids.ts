import { decodeId, encodeId, idPrefixes, type Kind, nilId } from '../platform/typeid.ts';

const kindByPrefix = new Map(Object.entries(idPrefixes).map(([kind, prefix]) => [prefix as string, kind as Kind]));

/** The UUID of a TypeID of this kind; for a malformed one, or one of another kind, the UUID of nothing. */
export function idOf(kind: Kind, id: string): string {
  return decodeId(kind, id) ?? nilId;
}

/** Whether things of this GraphQL type have a TypeID. */
export function isKind(typename: string): boolean {
  return Object.hasOwn(idPrefixes, typename);
}

/** The TypeID by which a node of this GraphQL type is known outside. */
export function encodeNodeId(typename: string, uuid: string): string {
  return encodeId(typename as Kind, uuid);
}

/** Type and UUID behind any TypeID; for one that says nothing, a type with the UUID of nothing. */
export function decodeNodeId(id: string): { typename: Kind; id: string } {
  const kind = kindByPrefix.get(id.slice(0, id.lastIndexOf('_')));
  if (!kind || kind === 'Viewer') return { typename: 'Organization', id: nilId };
  return { typename: kind, id: idOf(kind, id) };
}
