import { ApolloClient, ApolloLink, CombinedGraphQLErrors, HttpLink, InMemoryCache, ServerError } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { OperationTypeNode } from 'graphql';
import { createClient } from 'graphql-ws';
import { catchError, from, type Observable, of, switchMap, throwError } from 'rxjs';
import possibleTypes from './generated/possible-types.ts';
import { apiUrl } from './post.ts';
import { accessToken, refreshToken } from './session.ts';
import { askForProof } from './step-up.ts';

const closedAsUnauthorized = 4401;

/** Whether a result was refused as `extensions.code` says. */
const isRefusedAs = (code: string, result: ApolloLink.Result) =>
  'errors' in result && (result.errors?.some(({ extensions }) => extensions?.code === code) ?? false);

/** Sends the access token along. When it has run out, gets another one and asks once more. */
const authorize = new ApolloLink((operation, forward) => {
  const attempt = (token: string | null): Observable<ApolloLink.Result> => {
    operation.setContext({ headers: token ? { authorization: `Bearer ${token}` } : {} });
    return forward(operation);
  };
  const token = accessToken();
  const again = <Refusal>(refusal: Observable<Refusal>) =>
    from(refreshToken(token)).pipe(switchMap((fresh) => (fresh ? attempt(fresh) : refusal)));
  return attempt(token).pipe(
    switchMap((result) => (token && isRefusedAs('UNAUTHENTICATED', result) ? again(of(result)) : of(result))),
    catchError((error: unknown) => {
      const refusal = throwError(() => error);
      return token && ServerError.is(error) && error.statusCode === 401 ? again(refusal) : refusal;
    }),
  );
});

/** Lets the person prove who they are where that is too long ago, and asks once more. No component knows of it. */
const stepUp = new ApolloLink((operation, forward) =>
  forward(operation).pipe(
    switchMap((result) =>
      isRefusedAs('REAUTHENTICATION_REQUIRED', result)
        ? from(askForProof()).pipe(switchMap((isProved) => (isProved ? forward(operation) : of(result))))
        : of(result),
    ),
  ),
);

/** A socket that opens with the first subscription. It does not retry: whoever subscribes knows the cursor to go on from. */
function createSocket() {
  let token: string | null = null;
  let isSpent = false;
  return createClient({
    url: `${apiUrl.replace(/^http/, 'ws')}/graphql`,
    retryAttempts: 0,
    keepAlive: 15_000,
    connectionParams: async () => {
      if (isSpent) await refreshToken(token);
      [token, isSpent] = [accessToken(), false];
      return token ? { authorization: `Bearer ${token}` } : {};
    },
    on: {
      closed: (event) => {
        if ((event as CloseEvent).code === closedAsUnauthorized) isSpent = true;
      },
    },
  });
}

/** A client for one person: the next one gets another, so that nothing of a cache is seen by somebody else. */
export function createApolloClient() {
  const socket = createSocket();
  const http = ApolloLink.from([stepUp, authorize, new HttpLink({ uri: `${apiUrl}/graphql`, credentials: 'include' })]);
  const link = ApolloLink.split(
    ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
    new GraphQLWsLink(socket),
    http,
  );
  const client = new ApolloClient({ link, cache: new InMemoryCache({ possibleTypes: possibleTypes.possibleTypes }) });
  const close = () => {
    client.stop();
    void socket.dispose();
  };
  return { client, close };
}

/** What to tell a person of something that was thrown. */
export function messageOf(error: unknown): string {
  const code = CombinedGraphQLErrors.is(error) ? error.errors[0]?.extensions?.code : undefined;
  if (code === 'REAUTHENTICATION_REQUIRED') return 'Nothing was changed, because you did not confirm that it is you.';
  if (CombinedGraphQLErrors.is(error)) return error.errors[0]?.message ?? error.message;
  return 'The server cannot be reached. Check the connection, then try again.';
}
