import { useMutation } from '@apollo/client/react';
import { useState } from 'react';
import { BackupCodes } from './backup-codes.tsx';
import { messageOf } from './client.ts';
import { CodeField } from './code-field.tsx';
import { Enrollment } from './enrollment.tsx';
import { Form } from './form.tsx';
import { graphql } from './generated/gql.ts';

const NewBackupCodes = graphql(`
  mutation NewBackupCodes {
    regenerateBackupCodes { __typename ... on BackupCodes { codes } ... on Error { message } }
  }
`);

const TurnOff = graphql(`
  mutation TurnOff($code: String!) {
    disableTotp(input: { code: $code }) { __typename ... on Error { message } }
  }
`);

interface Props {
  readonly mfa: { readonly totpEnabled: boolean; readonly backupCodesRemaining: number };
}

/** The second factor: on, off, and the codes for the day the authenticator is lost. */
export function Security({ mfa }: Props) {
  const [codes, setCodes] = useState<readonly string[] | null>(null);
  return (
    <section className="card">
      <h1>
        Second factor <span className={mfa.totpEnabled ? 'tag on' : 'tag'}>{mfa.totpEnabled ? 'on' : 'off'}</span>
      </h1>
      {codes && <BackupCodes codes={codes} onDone={() => setCodes(null)} />}
      {!codes &&
        (mfa.totpEnabled ? (
          <Enrolled left={mfa.backupCodesRemaining} showCodes={setCodes} />
        ) : (
          <Enrollment showCodes={setCodes} />
        ))}
    </section>
  );
}

function Enrolled({
  left,
  showCodes,
}: {
  readonly left: number;
  readonly showCodes: (codes: readonly string[]) => void;
}) {
  const [renew, { error }] = useMutation(NewBackupCodes, { refetchQueries: ['Me'] });
  const [turnOff] = useMutation(TurnOff, { refetchQueries: ['Me'] });
  const onRenew = async () => {
    const { data } = await renew();
    if (data?.regenerateBackupCodes.__typename === 'BackupCodes') showCodes(data.regenerateBackupCodes.codes);
  };
  return (
    <>
      <p>Each sign-in asks for a code of your authenticator. {left} backup codes are left.</p>
      <button type="button" onClick={() => void onRenew().catch(() => undefined)}>
        Make new backup codes
      </button>
      <p role="alert" className="refusal">
        {error && messageOf(error)}
      </p>
      <details>
        <summary>Turn it off</summary>
        <Form
          label="Turn the second factor off"
          submit="Turn off"
          about={{ InvalidCode: 'code' }}
          send={async ({ code = '' }) => (await turnOff({ variables: { code } })).data?.disableTotp}
        >
          <CodeField />
        </Form>
      </details>
    </>
  );
}
