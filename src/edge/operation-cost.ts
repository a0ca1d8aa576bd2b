import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  getOperationAST,
  isInterfaceType,
  isListType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValueNode,
} from 'graphql';

export interface CostInput {
  readonly document: DocumentNode;
  readonly operationName: string | null;
  readonly variables: Readonly<Record<string, unknown>> | null;
}

interface Walk {
  readonly schema: GraphQLSchema;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  /** By fragment, so that fragments that use each other do not multiply the work of counting. */
  readonly known: Map<string, number>;
  /** Whether a page is as large as a variable says. */
  dependsOnVariables: boolean;
}

const pageSizeDefault = 20;
const pageSizeMax = 100;
/** What a list without a page is taken for. */
const listSize = 10;

/** What costs the same each time. Documents are parsed once and run often. */
const fixedCosts = new WeakMap<OperationDefinitionNode, number>();

/**
 * How many fields the answer to a valid operation can have at most: each counts one, times the size of every page that
 * it stands in, as literals and variables ask for it. Introspection is free.
 */
export function operationCost(schema: GraphQLSchema, { document, operationName, variables }: CostInput): number {
  const operation = getOperationAST(document, operationName);
  if (!operation) return 0;
  const before = fixedCosts.get(operation);
  if (before !== undefined) return before;
  const defaults = operation.variableDefinitions?.map(({ variable, defaultValue }) => [
    variable.name.value,
    literal(defaultValue),
  ]);
  const fragments = document.definitions.filter((definition) => definition.kind === Kind.FRAGMENT_DEFINITION);
  const walk: Walk = {
    schema,
    variables: { ...Object.fromEntries(defaults ?? []), ...variables },
    fragments: new Map(fragments.map((fragment) => [fragment.name.value, fragment])),
    known: new Map(),
    dependsOnVariables: false,
  };
  const cost = costOf(operation.selectionSet, schema.getRootType(operation.operation)?.name ?? '', walk);
  if (!walk.dependsOnVariables) fixedCosts.set(operation, cost);
  return cost;
}

function costOf({ selections }: SelectionSetNode, typeName: string, walk: Walk): number {
  let cost = 0;
  for (const selection of selections) {
    if (selection.kind === Kind.FIELD) cost += costOfField(selection, typeName, walk);
    else if (selection.kind === Kind.FRAGMENT_SPREAD) cost += costOfFragment(selection.name.value, walk);
    else cost += costOf(selection.selectionSet, selection.typeCondition?.name.value ?? typeName, walk);
  }
  return cost;
}

function costOfFragment(name: string, walk: Walk): number {
  const fragment = walk.fragments.get(name);
  const known = walk.known.get(name);
  if (known !== undefined || !fragment) return known ?? 0;
  const cost = costOf(fragment.selectionSet, fragment.typeCondition.name.value, walk);
  walk.known.set(name, cost);
  return cost;
}

function costOfField(node: FieldNode, typeName: string, walk: Walk): number {
  const type = walk.schema.getType(typeName);
  const field = isObjectType(type) || isInterfaceType(type) ? type.getFields()[node.name.value] : undefined;
  if (!field) return node.name.value === '__typename' ? 1 : 0;
  if (!node.selectionSet) return 1;
  return 1 + sizeOf(node, field, walk) * costOf(node.selectionSet, getNamedType(field.type).name, walk);
}

/** How many objects a field gives at most. The edges of a page are counted where the page is asked for. */
function sizeOf(node: FieldNode, field: GraphQLField<unknown, unknown>, walk: Walk): number {
  const given = (name: string) => {
    const value = node.arguments?.find((argument) => argument.name.value === name)?.value;
    if (value?.kind === Kind.VARIABLE) walk.dependsOnVariables = true;
    return literal(value, walk.variables);
  };
  const ids = given('ids');
  if (Array.isArray(ids)) return ids.length;
  if (field.args.some(({ name }) => name === 'first')) return pageSize(given('first') ?? given('last'));
  return isListType(getNullableType(field.type)) && field.name !== 'edges' ? listSize : 1;
}

function pageSize(asked: unknown): number {
  if (asked == null) return pageSizeDefault;
  return typeof asked === 'number' ? Math.min(Math.max(asked, 1), pageSizeMax) : pageSizeMax;
}

function literal(node: ValueNode | undefined, variables: Walk['variables'] = {}): unknown {
  if (node?.kind === Kind.VARIABLE) return variables[node.name.value];
  if (node?.kind === Kind.INT) return Number(node.value);
  return node?.kind === Kind.LIST ? node.values : undefined;
}
