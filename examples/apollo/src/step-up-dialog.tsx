import { useMutation } from '@apollo/client/react';
import { useEffect, useRef, useSyncExternalStore } from 'react';
import { CodeField } from './code-field.tsx';
import { Field, Form } from './form.tsx';
import { graphql } from './generated/gql.ts';
import { type Answer, openQuestion, subscribeToQuestions } from './step-up.ts';

const Reauthenticate = graphql(`
  mutation Reauthenticate($password: String!, $code: String) {
    reauthenticate(input: { password: $password, code: $code }) { __typename ... on Error { message } }
  }
`);

interface Props {
  readonly email: string;
  readonly needsCode: boolean;
}

/** Asks who it is, whenever the API wants a fresh proof. What was refused is then sent again by itself. */
export function StepUp({ email, needsCode }: Props) {
  const answer = useSyncExternalStore(subscribeToQuestions, openQuestion);
  return answer && <Question answer={answer} email={email} needsCode={needsCode} />;
}

function Question({ answer, email, needsCode }: Props & { readonly answer: Answer }) {
  const [reauthenticate] = useMutation(Reauthenticate);
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const opened = dialog.current;
    opened?.showModal();
    return () => opened?.close();
  }, []);
  const send = async ({ password = '', code }: Record<string, string>) =>
    (await reauthenticate({ variables: { password, code } })).data?.reauthenticate;
  const about = { InvalidCredentials: 'password', InvalidCode: 'code' };
  return (
    <dialog ref={dialog} aria-labelledby="step-up" onCancel={() => answer(false)}>
      <h2 id="step-up">Is it you?</h2>
      <p>This is sensitive, and your sign-in was a while ago.</p>
      <Form label="Confirm that it is you" submit="Continue" send={send} about={about} onDone={() => answer(true)}>
        {/* Tells a password manager whose password it is. */}
        <input type="email" autoComplete="username" value={email} readOnly hidden />
        <Field name="password" label="Password" type="password" autoComplete="current-password" />
        {needsCode && <CodeField />}
      </Form>
      <p className="aside">
        <button type="button" className="plain" onClick={() => answer(false)}>
          Not now
        </button>
      </p>
    </dialog>
  );
}
