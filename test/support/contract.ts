import {
  astFromValue,
  type GraphQLArgument,
  type GraphQLInputField,
  type GraphQLNamedType,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isSpecifiedScalarType,
  isUnionType,
  print,
} from 'graphql';

export interface ContractReport {
  /** Coordinates of the contract that the schema lacks; of a missing type or field only its own. */
  readonly missing: string[];
  /** What is there but is something else than promised, a sentence each. */
  readonly contradictions: string[];
}

/** Whether all of `contract` is in `schema`, with the same types, nullability and defaults. `schema` may have more. */
export function compareWithContract(contract: GraphQLSchema, schema: GraphQLSchema): ContractReport {
  const promised = coordinatesOf(contract);
  const actual = coordinatesOf(schema);
  const missing = [...promised.keys()].filter((coordinate) => !actual.has(coordinate));
  const changed = [...promised].filter(([coordinate, meaning]) => (actual.get(coordinate) ?? meaning) !== meaning);
  // A client that follows the contract would not send it.
  const demanded = [...actual].filter(
    ([coordinate, meaning]) =>
      !promised.has(coordinate) && promised.has(parentOf(coordinate)) && meaning.endsWith('!?'),
  );
  return {
    missing: missing.filter((coordinate) => !missing.includes(parentOf(coordinate))).sort(),
    contradictions: [
      ...changed.map(([at, meaning]) => `${at} is ${actual.get(at)}, the contract says ${meaning}`),
      ...demanded.map(([at]) => `${at} must be given, the contract does not know it`),
    ],
  };
}

/** `Type`, `Type.field`, `Type.field(argument)`, `Type&Interface`, `Union|Member`, and what each one is. */
function coordinatesOf(schema: GraphQLSchema): Map<string, string> {
  const own = Object.values(schema.getTypeMap()).filter(isOwnType);
  return new Map(own.flatMap((type) => [[type.name, type.constructor.name], ...partsOf(type)]));
}

/** Neither built into GraphQL nor a part of introspection. */
export function isOwnType(type: GraphQLNamedType): boolean {
  return !isIntrospectionType(type) && !isSpecifiedScalarType(type);
}

function partsOf(type: GraphQLNamedType): [string, string][] {
  if (isEnumType(type)) return type.getValues().map((value) => [`${type.name}.${value.name}`, 'a value']);
  if (isUnionType(type)) return type.getTypes().map((member) => [`${type.name}|${member.name}`, 'a member']);
  if (isInputObjectType(type)) {
    return Object.values(type.getFields()).map((field) => [`${type.name}.${field.name}`, inputMeaning(field)]);
  }
  if (!isObjectType(type) && !isInterfaceType(type)) return [];
  const interfaces = type
    .getInterfaces()
    .map((parent): [string, string] => [`${type.name}&${parent.name}`, 'implemented']);
  const fields = Object.values(type.getFields()).flatMap((field): [string, string][] => {
    const at = `${type.name}.${field.name}`;
    return [
      [at, String(field.type)],
      ...field.args.map((arg): [string, string] => [`${at}(${arg.name})`, inputMeaning(arg)]),
    ];
  });
  return [...interfaces, ...fields];
}

/** Type and default; what ends in `!?` must be given. */
function inputMeaning({ type, defaultValue }: GraphQLArgument | GraphQLInputField): string {
  const literal = defaultValue === undefined ? undefined : astFromValue(defaultValue, type);
  return literal ? `${type} = ${print(literal)}` : `${type}?`;
}

/** What `coordinate` is a part of; nothing for a type. */
function parentOf(coordinate: string): string {
  return /^(.*)(?:\([^(]*\)|[.&|][^.&|(]*)$/.exec(coordinate)?.[1] ?? '';
}
