/** Answers an open question: whether the person has proved who they are. */
export type Answer = (isProved: boolean) => void;

let open: { readonly promise: Promise<boolean>; readonly answer: Answer } | null = null;
const listeners = new Set<() => void>();

/** Asks the person for password and code; false when they would rather not. Several callers share one question. */
export function askForProof(): Promise<boolean> {
  if (!open) {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    setQuestion({ promise, answer: resolve });
    void promise.then(() => setQuestion(null));
  }
  return open?.promise ?? Promise.resolve(false);
}

/** What answers the open question; null while there is none. */
export const openQuestion = (): Answer | null => open?.answer ?? null;

/** Calls `listener` when a question opens or closes. @returns what ends that */
export function subscribeToQuestions(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function setQuestion(question: typeof open): void {
  open = question;
  for (const listener of listeners) listener();
}
