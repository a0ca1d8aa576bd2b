import { Kind, OperationTypeNode, parse } from 'graphql';
import { textOf } from './sources.ts';

/** What a page of docs shows as GraphQL. */
export const blocksOf = (page: string): string[] =>
  [...textOf(page).matchAll(/^```graphql\n(.*?)^```/gms)].map(([, text = '']) => text);

export interface ShownOperation {
  readonly text: string;
  readonly isStream: boolean;
}

/** Operations of a page, by name. */
export function operationsOf(page: string): Map<string, ShownOperation> {
  const operations = blocksOf(page).map((text) => {
    const [operation] = parse(text).definitions;
    if (operation?.kind !== Kind.OPERATION_DEFINITION || !operation.name) throw new Error(`nameless: ${text}`);
    const isStream = operation.operation === OperationTypeNode.SUBSCRIPTION;
    return [operation.name.value, { text, isStream }] as const;
  });
  return new Map(operations);
}
