import {
  GraphQLInputObjectType,
  GraphQLInt,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLSchema,
  GraphQLString,
} from 'graphql';
import { Repeater } from 'graphql-yoga';
import type { RequestCtx } from '../../src/context.ts';
import { RateLimited } from '../../src/errors.ts';

/** An API of what the edge must cope with, and the test's hand on it. */
export interface Trial {
  readonly schema: GraphQLSchema;
  /** How many `wait` fields have begun, and how many have ended. */
  readonly waits: { begun: number; ended: number };
  /** Lets all that wait go on. */
  open(): void;
  /** Sends an event to every subscriber. */
  tick(): void;
  /** Subscriptions whose source is still there. */
  readonly subscribers: number;
}

export function makeTrial(): Trial {
  const gate = Promise.withResolvers<void>();
  const waits = { begun: 0, ended: 0 };
  const pushers = new Set<(value: unknown) => unknown>();
  const wait = {
    type: GraphQLString,
    async resolve() {
      waits.begun += 1;
      await gate.promise;
      waits.ended += 1;
      return 'done';
    },
  };
  const ticks = () =>
    new Repeater<unknown>(async (push, stop) => {
      pushers.add(push);
      await stop;
      pushers.delete(push);
    });
  const Subscription = new GraphQLObjectType<unknown, RequestCtx>({
    name: 'Subscription',
    fields: { actor: { type: GraphQLString, subscribe: ticks, resolve: (_root, _args, ctx) => actorOf(ctx) } },
  });
  return {
    schema: new GraphQLSchema({ query: queryType(wait), mutation: mutationType(wait), subscription: Subscription }),
    waits,
    open: gate.resolve,
    tick: () => pushers.forEach((push) => void push({})),
    get subscribers() {
      return pushers.size;
    },
  };
}

interface Wait {
  type: typeof GraphQLString;
  resolve(): Promise<string>;
}

function queryType(wait: Wait) {
  const Secret = new GraphQLInputObjectType({
    name: 'Secret',
    fields: { password: { type: new GraphQLNonNull(GraphQLString) }, age: { type: GraphQLInt } },
  });
  return new GraphQLObjectType<unknown, RequestCtx>({
    name: 'Query',
    fields: {
      wait,
      actor: { type: GraphQLString, resolve: (_root, _args, ctx) => actorOf(ctx) },
      origin: { type: GraphQLString, resolve: (_root, _args, ctx) => JSON.stringify(ctx.origin) },
      secret: {
        type: GraphQLString,
        args: { input: { type: Secret }, text: { type: GraphQLString } },
        resolve: () => 'heard',
      },
      bug: {
        type: GraphQLString,
        resolve: fail(() => new Error('the connection string is postgres://gatehouse:hunter2@db')),
      },
      impossible: { type: new GraphQLNonNull(GraphQLString), resolve: () => null },
      megabyte: { type: GraphQLString, resolve: () => 'x'.repeat(1_000_000) },
      limited: { type: GraphQLString, resolve: fail(() => new RateLimited(7)) },
      poolIsEmpty: { type: GraphQLString, resolve: fail(() => new Error('timeout exceeded when trying to connect')) },
      slowStatement: { type: GraphQLString, resolve: (_root, _args, { db }) => db.$transaction([...slowly(db)]) },
    },
  });
}

function slowly(db: RequestCtx['db']) {
  return [db.$executeRaw`SET LOCAL statement_timeout = 50`, db.$queryRaw`SELECT pg_sleep(5)::text`];
}

function mutationType(wait: Wait) {
  return new GraphQLObjectType({ name: 'Mutation', fields: { wait } });
}

function fail(error: () => Error) {
  return () => {
    throw error();
  };
}

function actorOf({ actor }: RequestCtx): string {
  return actor.kind === 'user' ? actor.userId : actor.kind;
}
