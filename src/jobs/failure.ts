/** Throw it when another attempt could not end better: the job is given up at once. */
export class PermanentFailure extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'PermanentFailure';
  }
}

export interface FailedAttempt {
  /** From 1. */
  readonly attempt: number;
  /** ISO 8601. */
  readonly failedAt: string;
  readonly error: string;
}

const causesMax = 5;
const lengthMax = 1_000;
const address = /[^\s<>"'(),;:]+@[^\s<>"'(),;:]+/g;
const inLink = /([?&](?:token|code|state|signature|key)=)[^&\s"']+/gi;
const longWord = /[A-Za-z0-9_-]{32,}/g;
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * What went wrong and why, for a row that is kept: messages alone, since other fields of an error may hold anything, and
 * of these no address and nothing that may be a secret.
 */
export function describeFailure(error: unknown): string {
  const messages: string[] = [];
  for (let next = error; next !== undefined && messages.length < causesMax; next = causeOf(next)) {
    messages.push(next instanceof Error ? next.message || next.name : String(next));
  }
  return withoutSecrets(messages.join('; caused by: ')).slice(0, lengthMax);
}

function causeOf(error: unknown): unknown {
  return error instanceof Error ? error.cause : undefined;
}

function withoutSecrets(text: string): string {
  return text
    .replace(address, '[address]')
    .replace(inLink, '$1[redacted]')
    .replace(longWord, (word) => (uuid.test(word) ? word : '[redacted]'));
}

/** The failed attempts that a job row tells of; one that was lost with its worker, or cut off, has only its message. */
export function failedAttempts(output: unknown): FailedAttempt[] {
  return isStored(output) ? output.attempts : [];
}

/** What the queue says itself of a job whose worker was lost or did not come to an end; null where our own words are kept. */
export function wordOfQueue(output: unknown): string | null {
  if (isStored(output) || typeof output !== 'object' || output === null) return null;
  const { value, message } = output as { value?: { message?: unknown }; message?: unknown };
  return describeFailure(value?.message ?? message ?? 'unknown');
}

/** An error that keeps in the job row what `failedAttempts` reads. */
export function storable(attempts: readonly FailedAttempt[]): Error {
  const kept = Object.assign(new Error(attempts.at(-1)?.error), { attempts });
  kept.stack = '';
  return kept;
}

function isStored(output: unknown): output is { attempts: FailedAttempt[] } {
  return typeof output === 'object' && output !== null && Array.isArray((output as { attempts?: unknown }).attempts);
}
