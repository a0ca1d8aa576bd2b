import { defaultFieldResolver, type GraphQLFieldResolver, type GraphQLObjectType, type GraphQLSchema } from 'graphql';
import type { RequestCtx } from '../context.ts';
import { openToKeys } from '../domains/api-keys/api-keys.permissions.ts';
import { Forbidden } from '../errors.ts';

/**
 * Stands before every root field and every field of an organization, and lets API keys through where
 * `api-keys.permissions.ts` says so. One place, so that no new field is open by being forgotten.
 */
export function gateKeys(schema: GraphQLSchema): GraphQLSchema {
  const organization = schema.getType('Organization') as GraphQLObjectType;
  for (const type of [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType(), organization]) {
    for (const field of Object.values(type?.getFields() ?? {})) {
      const place = `${type?.name}.${field.name}`;
      field.resolve = gated(place, field.resolve ?? defaultFieldResolver);
      if (field.subscribe) field.subscribe = gated(place, field.subscribe);
    }
  }
  return schema;
}

function gated(
  place: string,
  resolve: GraphQLFieldResolver<unknown, RequestCtx>,
): GraphQLFieldResolver<unknown, RequestCtx> {
  const scope = openToKeys[place];
  return (source, args, ctx, info) => {
    if (ctx.actor.kind === 'apiKey') requireScope(ctx.actor.scopes, scope);
    return resolve(source, args, ctx, info);
  };
}

function requireScope(scopes: readonly string[], scope: string | undefined): void {
  if (scope === undefined) throw new Forbidden('This is closed to API keys.');
  if (scope !== 'any' && !scopes.includes(scope)) throw new Forbidden(`This needs an API key with the scope ${scope}.`);
}
