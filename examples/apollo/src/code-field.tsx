import { Field } from './form.tsx';

/** Asks for a second factor that is enrolled already. */
export function CodeField() {
  return (
    <Field name="code" label="Code" autoComplete="one-time-code" hint="Of your authenticator, or a backup code." />
  );
}
