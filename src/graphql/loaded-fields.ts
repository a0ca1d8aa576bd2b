import SchemaBuilder, { BasePlugin, type PothosOutputFieldConfig, type SchemaTypes } from '@pothos/core';
import type { GraphQLFieldResolver } from 'graphql';
import { encodeNodeId, isKind } from './ids.ts';

const pluginName = 'loadedFields';

declare global {
  export namespace PothosSchemaTypes {
    export interface Plugins<Types extends SchemaTypes> {
      loadedFields: LoadedFieldsPlugin<Types>;
    }
  }
}

type Resolver<Types extends SchemaTypes> = GraphQLFieldResolver<unknown, Types['Context'], object>;

/**
 * Answers at once what a row says itself: its TypeID, and the columns that are exposed as they are. Pothos looks up for
 * each field of each row how the row was loaded, and gives every id as a promise, which makes one of each object around
 * it. What the row has not, goes that way.
 */
export class LoadedFieldsPlugin<Types extends SchemaTypes> extends BasePlugin<Types> {
  override wrapResolve(
    resolve: Resolver<Types>,
    { name, parentType, kind, extensions }: PothosOutputFieldConfig<Types>,
  ): Resolver<Types> {
    if (name === 'id' && isKind(parentType))
      return (row, args, context, info) => {
        const { id } = row as { id?: unknown };
        return typeof id === 'string' ? encodeNodeId(parentType, id) : resolve(row, args, context, info);
      };
    const column = extensions?.pothosExposedField;
    if (kind !== 'PrismaObject' || typeof column !== 'string') return resolve;
    return (row, args, context, info) => {
      const value = (row as Record<string, unknown>)[column];
      return value === undefined ? resolve(row, args, context, info) : value;
    };
  }
}

SchemaBuilder.registerPlugin(pluginName, LoadedFieldsPlugin);

export default pluginName;
