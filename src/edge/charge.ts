import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLSchema,
  getNamedType,
  getOperationAST,
  isInterfaceType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';
import type { Actor } from '../context.ts';
import { chargeCall } from '../domains/quotas/call-leases.service.ts';
import { freeFields, freeWithAllTheyGive } from '../domains/quotas/free-fields.ts';
import type { CallsLeft } from '../platform/call-leases.ts';
import type { Platform } from '../platform/platform.ts';
import { nilId } from '../platform/typeid.ts';

interface Charge {
  readonly schema: GraphQLSchema;
  readonly document: DocumentNode;
  readonly operationName: string | null;
  readonly actor: Actor;
}

/**
 * Charges an operation that is about to run to the organization that it acts in, under the name of the first of its root
 * fields that is not free: the server's name for it, of which there are no more than root fields (F31).
 * @returns what is left; null for what is free and for callers without an organization
 * @throws QuotaExceeded
 */
export async function chargeOperation(platform: Platform, { actor, ...charge }: Charge): Promise<CallsLeft | null> {
  const payer = payerOf(actor);
  const operation = payer && chargedField(charge);
  return operation ? chargeCall(platform, { ...payer, operation }) : null;
}

function payerOf(actor: Actor): { organizationId: string; userId: string; apiKeyId: string } | null {
  if (actor.kind === 'apiKey') {
    const { organizationId, createdById, apiKeyId } = actor;
    return { organizationId, userId: createdById, apiKeyId };
  }
  if (actor.kind !== 'user' || !actor.activeMembership) return null;
  return { organizationId: actor.activeMembership.organizationId, userId: actor.userId, apiKeyId: nilId };
}

/** By operation: documents are parsed once and run often. */
const known = new WeakMap<OperationDefinitionNode, string | null>();

function chargedField({ schema, document, operationName }: Omit<Charge, 'actor'>): string | null {
  const operation = getOperationAST(document, operationName);
  if (!operation) return null;
  const before = known.get(operation);
  if (before !== undefined) return before;
  const fragments = document.definitions.filter((definition) => definition.kind === Kind.FRAGMENT_DEFINITION);
  const walk = { schema, fragments: new Map(fragments.map((fragment) => [fragment.name.value, fragment])) };
  const rootName = schema.getRootType(operation.operation)?.name ?? '';
  const name = firstCharged(operation.selectionSet, rootName, { ...walk, seen: new Set() });
  known.set(operation, name);
  return name;
}

interface Walk {
  readonly schema: GraphQLSchema;
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  /** Fragments that were found to be free, or are being looked at. */
  readonly seen: Set<string>;
}

/** The first field of a selection that is not free, or has something in it that is not. */
function firstCharged({ selections }: SelectionSetNode, typeName: string, walk: Walk): string | null {
  for (const selection of selections) {
    const charged = chargedIn(selection, typeName, walk);
    if (charged !== null) return charged;
  }
  return null;
}

function chargedIn(selection: SelectionSetNode['selections'][number], typeName: string, walk: Walk): string | null {
  if (selection.kind === Kind.FIELD) return isFree(selection, typeName, walk) ? null : selection.name.value;
  if (selection.kind === Kind.INLINE_FRAGMENT)
    return firstCharged(selection.selectionSet, selection.typeCondition?.name.value ?? typeName, walk);
  const fragment = walk.fragments.get(selection.name.value);
  if (!fragment || walk.seen.has(selection.name.value)) return null;
  walk.seen.add(selection.name.value);
  return firstCharged(fragment.selectionSet, fragment.typeCondition.name.value, walk);
}

function isFree({ name, selectionSet }: FieldNode, typeName: string, walk: Walk): boolean {
  if (name.value.startsWith('__')) return true;
  if (typeName === walk.schema.getMutationType()?.name && freeWithAllTheyGive.has(name.value)) return true;
  if (freeFields[typeName]?.has(name.value) === false) return false;
  const type = walk.schema.getType(typeName);
  const field = isObjectType(type) || isInterfaceType(type) ? type.getFields()[name.value] : undefined;
  return !selectionSet || !field || firstCharged(selectionSet, getNamedType(field.type).name, walk) === null;
}
