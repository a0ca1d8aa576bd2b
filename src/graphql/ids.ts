import { decodeId, encodeId, idPrefixes, type Kind } from '../platform/typeid.ts';

/** No row has this id, so whatever cannot be read leads nowhere, by the same path as an unknown id. */
const nowhere = '00000000-0000-0000-0000-000000000000';

const kindByPrefix = new Map(Object.entries(idPrefixes).map(([kind, prefix]) => [prefix as string, kind as Kind]));

/** The UUID of a TypeID of this kind; for a malformed one, or one of another kind, the UUID of nothing. */
export function idOf(kind: Kind, id: string): string {
  return decodeId(kind, id) ?? nowhere;
}

/** The TypeID by which a node of this GraphQL type is known outside. */
export function encodeNodeId(typename: string, uuid: string): string {
  return encodeId(typename as Kind, uuid);
}

/** Type and UUID behind any TypeID; for one that says nothing, a type with the UUID of nothing. */
export function decodeNodeId(id: string): { typename: Kind; id: string } {
  const kind = kindByPrefix.get(id.slice(0, id.lastIndexOf('_')));
  if (!kind || kind === 'Viewer') return { typename: 'Organization', id: nowhere };
  return { typename: kind, id: idOf(kind, id) };
}
