/** Calls of one kind that were spent and are not written down yet. */
export interface SpentCalls {
  readonly day: Date;
  readonly operation: string;
  readonly userId: string;
  readonly apiKeyId: string;
  quantity: number;
}

/** What one process holds of the calls of one organization in one period. */
export interface CallLease {
  readonly periodStart: Date;
  readonly periodEnd: Date;
  limit: number;
  /** Taken from the database and not spent yet. */
  left: number;
  /** Taken by every process together, when this one last looked. */
  leased: number;
  /** By kind. */
  spent: Map<string, SpentCalls>;
  lastSpentMs: number;
}

/** Everything that one process remembers of calls. What is here and in no row is lost with the process. */
export interface CallLeases {
  readonly held: Map<string, CallLease>;
  /** Of an organization whose calls are used up: until when nobody need ask again. */
  readonly refusedUntilMs: Map<string, number>;
  /** The last work of each organization on its rows; the next one waits for it. */
  readonly working: Map<string, Promise<unknown>>;
}

export function createCallLeases(): CallLeases {
  return { held: new Map(), refusedUntilMs: new Map(), working: new Map() };
}
