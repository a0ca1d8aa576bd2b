import { createSourceEventStream, type ExecutionArgs, type ExecutionResult, execute, type GraphQLError } from 'graphql';
import { isAsyncIterable, mapAsyncIterator } from 'graphql-yoga';
import type { RequestCtx } from '../context.ts';

export interface EventOptions {
  readonly freshContext: () => Promise<RequestCtx>;
  /** Is given the execution of each event. */
  readonly around: (event: () => Promise<ExecutionResult>) => Promise<ExecutionResult>;
}

/**
 * Subscribes, and executes each event with a context of its own (D16): scopes are cached by context, so that with one
 * for the whole stream a removed member would go on receiving. A caller that is not good any more gets that error as
 * the last result. Not an async generator: one that waits for its next event cannot be told to end.
 */
export async function subscribePerEvent(
  args: ExecutionArgs,
  { freshContext, around }: EventOptions,
): Promise<ExecutionResult | AsyncIterable<ExecutionResult>> {
  const source = await createSourceEventStream(args);
  if (!isAsyncIterable(source)) return source;
  const events = (source as AsyncIterable<unknown>)[Symbol.asyncIterator]();
  const run = async (rootValue: unknown) => {
    try {
      return await execute({ ...args, rootValue, contextValue: await freshContext() });
    } catch (error) {
      void events.return?.();
      return { errors: [error as GraphQLError] };
    }
  };
  return mapAsyncIterator(events as AsyncIterableIterator<unknown>, (rootValue) => around(() => run(rootValue)));
}
