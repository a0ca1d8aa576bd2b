import { graphql } from '../generated/gql.ts';
import { password } from './world.ts';

export const Refresh = graphql(`
  mutation Refresh($refreshToken: String) {
    refreshSession(input: { refreshToken: $refreshToken }) {
      __typename
      ... on SignedIn { accessToken refreshToken viewer { email } }
      ... on Error { code }
    }
  }
`);

export const RefreshByCookie = graphql(`
  mutation RefreshByCookie {
    refreshSession {
      __typename
      ... on SignedIn { accessToken refreshToken viewer { email session { id } } }
      ... on Error { code }
    }
  }
`);

export const Logout = graphql(
  `mutation Logout { logout { __typename ... on LoggedOut { sessionId } ... on Error { code } } }`,
);

export const Ping = graphql(`query Ping { viewer { email } }`);

/** The input of a sign-in whose refresh token comes as a cookie. */
export const withCookie = (email: string) => ({ input: { email, password, transport: 'COOKIE' as const } });
