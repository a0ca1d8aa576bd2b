import {
  createContext,
  type FormEvent,
  type InputHTMLAttributes,
  type ReactNode,
  useContext,
  useId,
  useRef,
  useState,
} from 'react';
import { messageOf } from './client.ts';

/** A member of a result union. Those that implement `Error` have a message, and some name the fields that they are about. */
export interface Outcome {
  readonly __typename: string;
  readonly message?: string;
  readonly issues?: readonly { readonly path: readonly string[]; readonly message: string }[];
  readonly field?: string | null;
}

interface Refusal {
  readonly message: string | null;
  readonly byField: Readonly<Record<string, string>>;
}

const FormRefusal = createContext<Refusal | null>(null);

interface FormProps {
  readonly label: string;
  readonly submit: string;
  /** Sends the form. A refusal among its outcomes is shown at the field that it is about, else above the button. */
  readonly send: (values: Record<string, string>) => Promise<Outcome | null | undefined>;
  /** Refusals that are about one field without saying so, by their type. */
  readonly about?: Readonly<Record<string, string>>;
  readonly onDone?: () => void;
  readonly children: ReactNode;
}

/** A form whose errors are what the API's typed unions say. */
export function Form({ label, submit, send, about = {}, onDone, children }: FormProps) {
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const [isBusy, setBusy] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  const onSubmit = async (event: FormEvent) => {
    event.preventDefault();
    if (!form.current || isBusy) return;
    setBusy(true);
    const values = Object.fromEntries([...new FormData(form.current)].map(([name, value]) => [name, String(value)]));
    const refused = await send(values).then((outcome) => refusalOf(outcome, about), thrown);
    setBusy(false);
    setRefusal(refused);
    if (!refused) {
      form.current?.reset();
      return onDone?.();
    }
    const [[name, message] = ['', null]] = Object.entries(refused.byField);
    const field = form.current?.elements.namedItem(name);
    if (field instanceof HTMLElement) field.focus();
    else setRefusal({ message: refused.message ?? message, byField: {} });
  };
  return (
    <form ref={form} aria-label={label} noValidate onSubmit={(event) => void onSubmit(event)}>
      <FormRefusal value={refusal}>{children}</FormRefusal>
      <p role="alert" className="refusal">
        {refusal?.message}
      </p>
      <button type="submit" disabled={isBusy} aria-busy={isBusy}>
        {submit}
      </button>
    </form>
  );
}

type FieldProps = InputHTMLAttributes<HTMLInputElement> & {
  readonly name: string;
  readonly label: string;
  readonly hint?: string;
};

/** A labelled input that shows what a refusal says about it. */
export function Field({ name, label, hint, ...input }: FieldProps) {
  const id = useId();
  const issue = useContext(FormRefusal)?.byField[name];
  const note = issue ?? hint;
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input
        {...input}
        id={id}
        name={name}
        aria-invalid={issue !== undefined}
        aria-describedby={note && `${id}-note`}
      />
      {note && (
        <p id={`${id}-note`} className={issue ? 'issue' : 'hint'}>
          {note}
        </p>
      )}
    </div>
  );
}

function refusalOf(outcome: Outcome | null | undefined, about: Readonly<Record<string, string>>): Refusal | null {
  if (outcome?.message === undefined) return null;
  const field = outcome.field ?? about[outcome.__typename];
  if (field) return { message: null, byField: { [field]: outcome.message } };
  const issues = (outcome.issues ?? []).map(({ path, message }) => [path.at(-1) ?? '', message] as const);
  return { message: issues.length > 0 ? null : outcome.message, byField: Object.fromEntries(issues) };
}

function thrown(error: unknown): Refusal {
  return { message: messageOf(error), byField: {} };
}
