import {
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isLeafType,
  isNonNullType,
  isObjectType,
} from 'graphql';
import { fieldsOf } from './every-field.ts';
import type { Caller } from './world.ts';

const anyId = /\b[a-z]{3}_[0-7][0-9a-hjkmnp-tv-z]{25}\b/g;
const levels = 5;

/** All that a person can read from `viewer` and of one organization, field by field, as text. */
export async function allThatIsSeen(caller: Caller, schema: GraphQLSchema, organizationId: string): Promise<string[]> {
  const texts: string[] = [];
  for (const [type, way] of [
    ['Viewer', 'viewer'],
    ['Organization', `organization(id: "${organizationId}")`],
  ] as const) {
    for (const field of fieldsOf(schema.getType(type) as GraphQLObjectType)) {
      if (field.args.some((arg) => isNonNullType(arg.type))) continue;
      const { data } = await caller.send<unknown, never>(`{ ${way} { ${field.name}${selectionOf(field, levels)} } }`);
      texts.push(JSON.stringify(data));
    }
  }
  return texts;
}

/** Every id in some texts, once. */
export function idsIn(texts: readonly string[]): string[] {
  return [...new Set(texts.flatMap((text) => text.match(anyId) ?? []))];
}

function selectionOf({ type }: GraphQLField<unknown, unknown>, left: number): string {
  const named = getNamedType(type);
  if (isLeafType(named)) return '';
  if (!isObjectType(named) || left === 0) return ' { __typename }';
  // Lists inside of things inside of lists cost more than one operation may.
  const inner = fieldsOf(named).filter(
    (field) => field.args.length === 0 && (left > 1 || isLeafType(getNamedType(field.type))),
  );
  return ` { __typename ${inner.map((field) => `${field.name}${selectionOf(field, left - 1)}`).join(' ')} }`;
}
