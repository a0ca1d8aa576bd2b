import { useMutation } from '@apollo/client/react';
import { Form } from './form.tsx';
import { graphql } from './generated/gql.ts';
import { Link } from './link.tsx';

const ConfirmAddress = graphql(`
  mutation ConfirmAddress($token: String!) {
    verifyEmail(input: { token: $token }) { __typename ... on EmailVerified { email } ... on Error { message } }
  }
`);

/** Where the link of the first mail leads. It asks for a click, because mail scanners open links and a token works once. */
export function VerifyEmail({ token }: { readonly token: string }) {
  const [verify, { data }] = useMutation(ConfirmAddress);
  if (data?.verifyEmail.__typename === 'EmailVerified') {
    return (
      <div role="status" className="status">
        <p>
          <strong>{data.verifyEmail.email}</strong> is confirmed. You can sign in now.
        </p>
        <Link className="button" href="/">
          Go to sign-in
        </Link>
      </div>
    );
  }
  return (
    <Form
      label="Confirm your address"
      submit="Confirm address"
      send={async () => (await verify({ variables: { token } })).data?.verifyEmail}
    >
      <p>One click, and the account is yours.</p>
    </Form>
  );
}
