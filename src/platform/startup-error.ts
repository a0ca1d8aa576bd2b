/** The program cannot start, or a command cannot run. The message is all that the person reads: no stack trace. */
export class StartupError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StartupError';
  }
}

/** The reason in an error of Node, PostgreSQL or a driver, on one line. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  return error instanceof Error ? error.message.trim() || error.name : String(error);
}
