import { useMutation } from '@apollo/client/react';
import { useState } from 'react';
import { messageOf } from './client.ts';
import { Field, Form } from './form.tsx';
import { graphql } from './generated/gql.ts';
import { Link } from './link.tsx';
import { apiUrl } from './post.ts';

const RegisterPerson = graphql(`
  mutation RegisterPerson($input: RegisterInput!) {
    register(input: $input) {
      __typename
      ... on RegistrationPending { email }
      ... on ValidationFailed { issues { path message } }
      ... on Error { message }
    }
  }
`);

const ResendVerification = graphql(`
  mutation ResendVerification($email: String!) {
    resendVerificationEmail(input: { email: $email }) { __typename ... on Error { message } }
  }
`);

/** Makes an account; with the token of an invitation its address needs no further proof. */
export function Register({ invitationToken, onDone }: { invitationToken?: string; onDone?: () => void }) {
  const [register] = useMutation(RegisterPerson);
  const [email, setEmail] = useState<string | null>(null);
  if (email !== null) return <LookIntoMailbox email={email} />;
  const send = async ({ name = '', email = '', password = '' }: Record<string, string>) => {
    const { data } = await register({ variables: { input: { name, email, password, invitationToken } } });
    if (data?.register.__typename === 'RegistrationPending' && !invitationToken) setEmail(data.register.email);
    return data?.register;
  };
  return (
    <>
      <Form label="Create an account" submit="Create account" send={send} onDone={onDone}>
        <Field name="name" label="Name" autoComplete="name" />
        <Field
          name="email"
          label="Email"
          type="email"
          autoComplete="username"
          hint={invitationToken && 'The address that was invited.'}
        />
        <Field
          name="password"
          label="Password"
          type="password"
          autoComplete="new-password"
          hint="A sentence of your own is best."
        />
      </Form>
      {!invitationToken && (
        <p className="aside">
          You have an account? <Link href="/">Sign in</Link>
        </p>
      )}
    </>
  );
}

function LookIntoMailbox({ email }: { readonly email: string }) {
  const [resend, { data, error }] = useMutation(ResendVerification, { onError: () => undefined });
  return (
    <div role="status" className="status">
      <p>
        We have sent a link to <strong>{email}</strong>. It confirms that the address is yours.
      </p>
      <p>
        <a
          className="button"
          href={`${apiUrl}/dev/mailbox?to=${encodeURIComponent(email)}`}
          target="_blank"
          rel="noreferrer"
        >
          Look into the mailbox
        </a>
      </p>
      <p className="aside">
        {error && <span className="issue">{messageOf(error)} </span>}
        {data ? (
          'It is on its way again.'
        ) : (
          <button type="button" className="plain" onClick={() => void resend({ variables: { email } })}>
            Send it again
          </button>
        )}
      </p>
    </div>
  );
}
