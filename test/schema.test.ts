import { readFileSync } from 'node:fs';
import {
  type GraphQLNamedType,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
} from 'graphql';
import { expect, test } from 'vitest';
import { printedSchema, schemaFile } from '../src/graphql/print.ts';
import { schema } from '../src/graphql/schema.ts';
import { isOwnType } from './support/contract.ts';
import { textOf } from './support/sources.ts';

test('schema.graphql is what the code says; `npm run schema:print` writes it', () => {
  expect(readFileSync(schemaFile, 'utf8')).toBe(printedSchema());
});

test('every type, field, argument, input field and enum value says what it is', () => {
  expect(
    describedParts(schema)
      .filter(({ description }) => !description?.trim())
      .map(({ at }) => at),
  ).toEqual([]);
});

test('graphql is installed once: two copies would not know each other’s types', () => {
  const { packages } = JSON.parse(textOf('package-lock.json')) as { packages: Record<string, unknown> };
  expect(Object.keys(packages).filter((folder) => /(^|\/)node_modules\/graphql$/.test(folder))).toHaveLength(1);
});

interface Described {
  readonly at: string;
  readonly description: string | null | undefined;
}

function describedParts(of: GraphQLSchema): Described[] {
  const types = Object.values(of.getTypeMap()).filter(isOwnType);
  return types.flatMap((type) => [{ at: type.name, description: type.description }, ...partsOf(type)]);
}

function partsOf(type: GraphQLNamedType): Described[] {
  const under = (at: string) => (part: { name: string; description?: string | null }) => ({
    at: `${at}.${part.name}`,
    description: part.description,
  });
  if (isEnumType(type)) return type.getValues().map(under(type.name));
  if (isInputObjectType(type)) return Object.values(type.getFields()).map(under(type.name));
  if (!isObjectType(type) && !isInterfaceType(type)) return [];
  const fields = Object.values(type.getFields());
  return fields.flatMap((field) => [under(type.name)(field), ...field.args.map(under(`${type.name}.${field.name}`))]);
}
