import { readFileSync } from 'node:fs';
import { ApolloClient, ApolloLink, CombinedGraphQLErrors, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { SetContextLink } from '@apollo/client/link/context';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { buildSchema, isAbstractType } from 'graphql';
import { createClient } from 'graphql-ws';
import { describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { tokenIn, waitForMail } from '../support/mailbox.ts';
import { anAddress, InviteMember, Login, password, Register, useApp, VerifyEmail } from '../support/world.ts';

const app = useApp();
const schema = buildSchema(readFileSync('schema.graphql', 'utf8'));
const possibleTypes = Object.fromEntries(
  Object.values(schema.getTypeMap())
    .filter(isAbstractType)
    .map((type) => [type.name, schema.getPossibleTypes(type).map(({ name }) => name)]),
);

/** An application of the usual make: HTTP for operations, a socket for what asks for it, a token in both. */
function anApplication() {
  const tokens: { accessToken?: string } = {};
  const authorization = () => (tokens.accessToken ? { authorization: `Bearer ${tokens.accessToken}` } : {});
  const socket = createClient({
    url: `${app.url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: authorization,
    lazy: true,
  });
  const http = new SetContextLink(({ headers }) => ({ headers: { ...headers, ...authorization() } })).concat(
    new HttpLink({ uri: `${app.url}/graphql` }),
  );
  const link = ApolloLink.split(
    (operation) => operation.getContext().viaSocket === true,
    new GraphQLWsLink(socket),
    http,
  );
  return { tokens, socket, client: new ApolloClient({ link, cache: new InMemoryCache({ possibleTypes }) }) };
}

const Home = gql`
  query Home {
    viewer {
      id
      user { id name }
      activeOrganization { id name members { totalCount edges { node { id role user { id name } } } } }
    }
  }
`;
const Stranger = gql`query Stranger($id: ID!) { organization(id: $id) { id members { totalCount } } user(id: $id) { id } }`;

describe('the journey in Apollo Client', () => {
  test('register, verify, sign in, see oneself, invite a colleague who joins, and refuse a stranger', async () => {
    const ada = await signedIn('Ada');
    const email = anAddress('grace');
    const home = await ada.client.query<{ viewer: { activeOrganization: { id: string } } }>({ query: Home });
    const organizationId = home.data?.viewer.activeOrganization.id ?? '';
    await ada.client.mutate({ mutation: InviteMember, variables: { input: { organizationId, email } } });

    const invitationToken = tokenIn(await waitForMail(app, { to: email }));
    const grace = await signedIn('Grace', { email, invitationToken });
    const overHttp = await grace.client.query({ query: Home });
    const overSocket = await grace.client.query({
      query: Home,
      context: { viaSocket: true },
      fetchPolicy: 'network-only',
    });
    expect(overHttp.data).toMatchObject({
      viewer: {
        user: { name: 'Grace' },
        activeOrganization: {
          id: organizationId,
          members: { totalCount: 2, edges: [{ node: { role: 'OWNER' } }, { node: { role: 'MEMBER' } }] },
        },
      },
    });
    expect(overSocket.data).toEqual(overHttp.data);

    const stranger = await signedIn('Eve');
    const { data } = await stranger.client.query({ query: Stranger, variables: { id: organizationId } });
    expect(data).toEqual({ organization: null, user: null });
    const refused = stranger.client.mutate({ mutation: InviteMember, variables: { input: { organizationId, email } } });
    await expect(refused).rejects.toSatisfy(
      (error) => CombinedGraphQLErrors.is(error) && error.errors[0]?.extensions?.code === 'NOT_FOUND',
    );
    for (const { socket } of [ada, grace, stranger]) await socket.dispose();
  });
});

async function signedIn(
  name: string,
  { email = anAddress(name), invitationToken }: { email?: string; invitationToken?: string } = {},
) {
  const application = anApplication();
  const { client, tokens } = application;
  await client.mutate({ mutation: Register, variables: { input: { name, email, password, invitationToken } } });
  if (!invitationToken) {
    const token = tokenIn(await waitForMail(app, { to: email.toLowerCase() }));
    await client.mutate({ mutation: VerifyEmail, variables: { token } });
  }
  const { data } = await client.mutate({ mutation: Login, variables: { input: { email, password } } });
  if (data?.login.__typename !== 'SignedIn') throw new Error(`no sign-in: ${JSON.stringify(data)}`);
  tokens.accessToken = data.login.accessToken;
  return application;
}
