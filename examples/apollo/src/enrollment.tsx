import { useMutation } from '@apollo/client/react';
import { messageOf } from './client.ts';
import { Form } from './form.tsx';
import { graphql } from './generated/gql.ts';
import { CodeField } from './sign-in.tsx';

const BeginEnrollment = graphql(`
  mutation BeginEnrollment {
    beginTotpEnrollment { __typename ... on TotpEnrollment { secret qrCode otpauthUri } ... on Error { message } }
  }
`);

const ConfirmEnrollment = graphql(`
  mutation ConfirmEnrollment($code: String!) {
    confirmTotpEnrollment(input: { code: $code }) {
      __typename
      ... on BackupCodes { codes }
      ... on Error { message }
    }
  }
`);

/** Binds an authenticator: shows its seed, asks for a first code, and hands over the backup codes. */
export function Enrollment({ showCodes }: { readonly showCodes: (codes: readonly string[]) => void }) {
  const [begin, { data, error, loading }] = useMutation(BeginEnrollment);
  const [confirm] = useMutation(ConfirmEnrollment, { refetchQueries: ['Me'] });
  const begun = data?.beginTotpEnrollment;
  if (begun?.__typename !== 'TotpEnrollment') {
    return (
      <>
        <p>A password can be stolen without your knowing. With a second factor it is not enough to sign in.</p>
        <button type="button" disabled={loading} onClick={() => void begin().catch(() => undefined)}>
          Set up an authenticator
        </button>
        <p role="alert" className="refusal">
          {error ? messageOf(error) : begun?.message}
        </p>
      </>
    );
  }
  const send = async ({ code = '' }: Record<string, string>) => {
    const { data } = await confirm({ variables: { code } });
    if (data?.confirmTotpEnrollment.__typename === 'BackupCodes') showCodes(data.confirmTotpEnrollment.codes);
    return data?.confirmTotpEnrollment;
  };
  return (
    <div className="enrollment">
      <img
        className="qr"
        alt="QR code for your authenticator"
        src={`data:image/svg+xml,${encodeURIComponent(begun.qrCode)}`}
      />
      <div>
        <p>
          Scan this with an authenticator, or <a href={begun.otpauthUri}>open it on this device</a>. By hand, the secret
          is:
        </p>
        <p>
          <code className="secret">{begun.secret}</code>
        </p>
        <Form label="Confirm the authenticator" submit="Turn on" send={send} about={{ InvalidCode: 'code' }}>
          <CodeField hint="The six digits that it shows now." />
        </Form>
      </div>
    </div>
  );
}
