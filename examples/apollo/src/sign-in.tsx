import { useMutation } from '@apollo/client/react';
import { useState } from 'react';
import { Field, Form } from './form.tsx';
import { graphql } from './generated/gql.ts';
import { Link } from './link.tsx';
import { signedIn } from './session.ts';

const Login = graphql(`
  mutation Login($email: String!, $password: String!) {
    login(input: { email: $email, password: $password, transport: COOKIE }) {
      __typename
      ... on SignedIn { accessToken viewer { id } }
      ... on MfaChallenge { challengeToken }
      ... on Error { message }
    }
  }
`);

const AnswerChallenge = graphql(`
  mutation AnswerChallenge($challengeToken: String!, $code: String!) {
    verifyMfaChallenge(input: { challengeToken: $challengeToken, code: $code, transport: COOKIE }) {
      __typename
      ... on SignedIn { accessToken viewer { id } }
      ... on Error { message }
    }
  }
`);

/** Password, then the second factor where there is one. */
export function SignIn({ mayRegister = true }: { readonly mayRegister?: boolean }) {
  const [login] = useMutation(Login);
  const [challengeToken, setChallengeToken] = useState<string | null>(null);
  if (challengeToken) return <Challenge token={challengeToken} startAgain={() => setChallengeToken(null)} />;
  const send = async ({ email = '', password = '' }: Record<string, string>) => {
    const { data } = await login({ variables: { email, password } });
    if (data?.login.__typename === 'MfaChallenge') setChallengeToken(data.login.challengeToken);
    if (data?.login.__typename === 'SignedIn') signedIn(data.login);
    return data?.login;
  };
  return (
    <>
      <Form label="Sign in" submit="Sign in" send={send} about={{ InvalidCredentials: 'password' }}>
        <Field name="email" label="Email" type="email" autoComplete="username" />
        <Field name="password" label="Password" type="password" autoComplete="current-password" />
      </Form>
      {mayRegister && (
        <p className="aside">
          New here? <Link href="/register">Create an account</Link>
        </p>
      )}
    </>
  );
}

function Challenge({ token, startAgain }: { readonly token: string; readonly startAgain: () => void }) {
  const [answer] = useMutation(AnswerChallenge);
  const send = async ({ code = '' }: Record<string, string>) => {
    const { data } = await answer({ variables: { challengeToken: token, code } });
    if (data?.verifyMfaChallenge.__typename === 'SignedIn') signedIn(data.verifyMfaChallenge);
    return data?.verifyMfaChallenge;
  };
  return (
    <>
      <Form label="Second factor" submit="Continue" send={send} about={{ InvalidCode: 'code' }}>
        <CodeField hint="Six digits from your authenticator, or one of your backup codes." />
      </Form>
      <p className="aside">
        <button type="button" className="plain" onClick={startAgain}>
          Start again
        </button>
      </p>
    </>
  );
}

/** Where a code of the second factor goes; it takes the focus. */
export function CodeField({ hint }: { readonly hint?: string }) {
  return (
    <Field
      name="code"
      label="Code"
      autoComplete="one-time-code"
      inputMode="text"
      spellCheck={false}
      hint={hint}
      autoFocus
    />
  );
}
