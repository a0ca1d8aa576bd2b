import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLInputType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  isInputObjectType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  isUnionType,
} from 'graphql';
import { fieldsOf, sampleOf } from './every-field.ts';

/** Somewhere in the schema where an id can be given, and a document that gives one there and fitting values elsewhere. */
export interface IdPlace {
  readonly name: string;
  document(id: string): string;
}

interface Slot {
  readonly path: string;
  /** The argument as text, with `id` in this one place. */
  argument(id: string): string;
}

/** Types whose fields are reached through the caller's own things. */
const ways: Readonly<Record<string, (own: string) => string>> = {
  Query: () => '',
  Mutation: () => '',
  Organization: (own) => `organization(id: "${own}")`,
  Viewer: () => 'viewer',
  Admin: () => 'admin',
};

/** Every place of the whole schema that takes an id, for a caller whose own organization is `own`. */
export function idPlaces(schema: GraphQLSchema, own: string): IdPlace[] {
  return Object.entries(ways).flatMap(([typeName, way]) => {
    const type = schema.getType(typeName);
    const fields = isObjectType(type) ? fieldsOf(type) : [];
    return fields.flatMap((field) =>
      slotsOf(field, own).map((slot) => placeOf(typeName, { field, slot, way: way(own) })),
    );
  });
}

/** Fields with an id argument that `idPlaces` has no way to. */
export function placesWithoutWay(schema: GraphQLSchema): string[] {
  return Object.values(schema.getTypeMap())
    .filter((type) => isObjectType(type) && !type.name.startsWith('__') && !(type.name in ways))
    .filter((type) => type !== schema.getSubscriptionType())
    .flatMap((type) => (isObjectType(type) ? fieldsOf(type) : []).map((field) => ({ type, field })))
    .filter(({ field }) => slotsOf(field, '').length > 0)
    .map(({ type, field }) => `${type.name}.${field.name}`);
}

function placeOf(
  typeName: string,
  { field, slot, way }: { field: GraphQLField<unknown, unknown>; slot: Slot; way: string },
): IdPlace {
  const operation = typeName === 'Mutation' ? 'mutation' : 'query';
  return {
    name: `${typeName}.${field.name}(${slot.path})`,
    document(id) {
      const call = `${field.name}(${slot.argument(id)})${selectionOf(field.type)}`;
      return `${operation} { ${way ? `${way} { ${call} }` : call} }`;
    },
  };
}

function slotsOf(field: GraphQLField<unknown, unknown>, own: string): Slot[] {
  return field.args.flatMap((arg) => {
    const others = field.args.filter((other) => other !== arg && isNonNullType(other.type));
    const rest = others.map((other) => `, ${other.name}: ${fitting(other, own)}`).join('');
    return within(arg, own).map(({ path, argument }) => ({ path, argument: (id: string) => argument(id) + rest }));
  });
}

/** The places inside one argument or input field. */
function within(part: GraphQLArgument | GraphQLInputField, own: string): Slot[] {
  const type = getNamedType(part.type);
  const { name } = part;
  if (type.name === 'ID') {
    const text = isList(part.type) ? (id: string) => `["${id}"]` : (id: string) => `"${id}"`;
    return [{ path: name, argument: (id) => `${name}: ${text(id)}` }];
  }
  if (!isInputObjectType(type)) return [];
  const parts = Object.values(type.getFields());
  return parts.flatMap((inner) => {
    const needed = parts.filter(
      (other) => other !== inner && isNonNullType(other.type) && other.defaultValue === undefined,
    );
    const rest = needed.map((other) => `, ${other.name}: ${fitting(other, own)}`).join('');
    return within(inner, own).map(({ path, argument }) => ({
      path: `${name}.${path}`,
      argument: (id: string) => `${name}: { ${argument(id)}${rest} }`,
    }));
  });
}

function fitting({ name, type }: GraphQLArgument | GraphQLInputField, own: string): string {
  return name === 'organizationId' ? `"${own}"` : sampleOf(type);
}

function isList(type: GraphQLInputType): boolean {
  return isListType(type) || (isNonNullType(type) && isListType(type.ofType));
}

/** As much of an answer as tells whether there is something. */
function selectionOf(type: GraphQLOutputType): string {
  const named = getNamedType(type);
  if (isLeafType(named)) return '';
  if (isUnionType(named)) return ' { __typename ... on Error { code message } }';
  const hasTotal = isObjectType(named) && 'totalCount' in named.getFields();
  return hasTotal ? ' { __typename totalCount edges { cursor } }' : ' { __typename }';
}
