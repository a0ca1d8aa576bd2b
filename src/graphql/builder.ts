import SchemaBuilder from '@pothos/core';
import DataloaderPlugin from '@pothos/plugin-dataloader';
import ErrorsPlugin from '@pothos/plugin-errors';
import PrismaPlugin from '@pothos/plugin-prisma';
import RelayPlugin from '@pothos/plugin-relay';
import ScopeAuthPlugin from '@pothos/plugin-scope-auth';
import TracingPlugin, { isEnumField, isRootField, isScalarField } from '@pothos/plugin-tracing';
import type { GraphQLScalarType } from 'graphql';
import { GraphQLDateTimeISO, GraphQLJSON, GraphQLSafeInt } from 'graphql-scalars';
import type { RequestCtx } from '../context.ts';
import type PrismaTypes from '../generated/pothos.ts';
import { getDatamodel } from '../generated/pothos.ts';
import { tracedRoot, tracedWhenSlow } from './field-trace.ts';
import { decodeNodeId, encodeNodeId } from './ids.ts';
import LoadedFieldsPlugin from './loaded-fields.ts';
import { type Scopes, scopesOf } from './scopes.ts';

interface Types {
  Context: RequestCtx;
  PrismaTypes: PrismaTypes;
  AuthScopes: Scopes;
  DefaultAuthStrategy: 'all';
  Tracing: false | 'root' | 'whenSlow';
  DefaultFieldNullability: false;
  Scalars: {
    ID: { Input: string; Output: string };
    DateTime: { Input: Date; Output: Date };
    BigInt: { Input: number; Output: number };
    JSON: { Input: unknown; Output: unknown };
  };
}

/** Holds plugins, scalars and scopes, and knows no type of the API. */
export const builder = new SchemaBuilder<Types>({
  plugins: [
    TracingPlugin,
    ErrorsPlugin,
    ScopeAuthPlugin,
    LoadedFieldsPlugin,
    RelayPlugin,
    PrismaPlugin,
    DataloaderPlugin,
  ],
  defaultFieldNullability: false,
  scopeAuth: {
    authScopes: scopesOf,
    defaultStrategy: 'all',
    // On the type once, not on each of its fields: cheaper, and `__typename` alone is refused too.
    runScopesOnType: true,
    authorizeOnSubscribe: true,
  },
  prisma: {
    client: (ctx) => ctx.db,
    dmmf: getDatamodel(),
    filterConnectionTotalCount: true,
    onUnusedQuery: null,
  },
  errors: {},
  tracing: {
    default: (field) => (isRootField(field) ? 'root' : !isScalarField(field) && !isEnumField(field) && 'whenSlow'),
    wrap: (resolve, kind, { parentType, name }) =>
      kind === 'root' ? tracedRoot(resolve, `${parentType}.${name}`) : tracedWhenSlow(resolve, `${parentType}.${name}`),
  },
  relay: {
    encodeGlobalID: (typename, id) => encodeNodeId(typename, String(id)),
    decodeGlobalID: decodeNodeId,
    nodeTypeOptions: { description: 'Anything that can be fetched again by its id.' },
    idFieldOptions: { description: 'TypeID: a prefix that says the kind, and a time-sortable UUIDv7.' },
    nodeQueryOptions: false,
    nodesQueryOptions: false,
    pageInfoTypeOptions: { description: 'Where a page stands in its list (Relay cursor connections).' },
    hasNextPageFieldOptions: { description: 'Whether there is more after `endCursor`.' },
    hasPreviousPageFieldOptions: { description: 'Whether there is more before `startCursor`.' },
    startCursorFieldOptions: { description: 'Cursor of the first edge; null on an empty page.' },
    endCursorFieldOptions: { description: 'Cursor of the last edge; null on an empty page.' },
    firstArgOptions: { description: 'How many from the start, 1–100. 20 when neither `first` nor `last` is given.' },
    afterArgOptions: { description: 'Only what follows this cursor.' },
    lastArgOptions: { description: 'How many from the end, 1–100.' },
    beforeArgOptions: { description: 'Only what precedes this cursor.' },
  },
});

builder.queryType({ description: 'What can be read.' });
builder.mutationType({ description: 'What can be changed: one `input` each, one result union each.' });
builder.subscriptionType({ description: 'What can be listened to, over WebSocket or SSE.' });

scalar('DateTime', 'An instant in ISO 8601, UTC.', GraphQLDateTimeISO);
scalar('BigInt', 'A whole number above 32 bits (bytes, counters), as a JSON number up to 2^53 - 1.', GraphQLSafeInt);
scalar('JSON', 'Any JSON value.', GraphQLJSON);

function scalar(name: 'DateTime' | 'BigInt' | 'JSON', description: string, source: GraphQLScalarType) {
  const { serialize, parseValue, parseLiteral } = source;
  builder.scalarType(name, { description, serialize, parseValue, parseLiteral } as never);
}
