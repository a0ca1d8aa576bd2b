import {
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLObjectType,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isListType,
  isNonNullType,
} from 'graphql';

/** A document that asks for one field of a root type, with arguments that fit their types and mean nothing. */
export function askFor(type: 'query' | 'mutation' | 'subscription', field: GraphQLField<unknown, unknown>): string {
  return `${type} { ${callOf(field)} }`;
}

/** `field(arguments) { __typename }` */
export function callOf(field: GraphQLField<unknown, unknown>): string {
  const given = field.args.filter((arg) => isNonNullType(arg.type)).map((arg) => `${arg.name}: ${sampleOf(arg.type)}`);
  const args = given.length > 0 ? `(${given.join(', ')})` : '';
  return `${field.name}${args}${isLeafType(getNamedType(field.type)) ? '' : ' { __typename }'}`;
}

export function fieldsOf(type: GraphQLObjectType | null | undefined): GraphQLField<unknown, unknown>[] {
  return Object.values(type?.getFields() ?? {}) as GraphQLField<unknown, unknown>[];
}

/** A value that fits a type and means nothing. */
export function sampleOf(type: GraphQLInputType): string {
  if (isNonNullType(type)) return sampleOf(type.ofType);
  if (isListType(type)) return '[]';
  if (isEnumType(type)) return type.getValues()[0]?.name ?? '';
  if (!isInputObjectType(type)) return literals[type.name] ?? '"x"';
  const needed = Object.values(type.getFields()).filter((field) => isNonNullType(field.type));
  return `{ ${needed.map((field) => `${field.name}: ${sampleOf(field.type)}`).join(', ')} }`;
}

const literals: Readonly<Record<string, string>> = {
  Int: '1',
  BigInt: '1',
  Boolean: 'true',
  DateTime: '"2026-01-01T00:00:00Z"',
};
