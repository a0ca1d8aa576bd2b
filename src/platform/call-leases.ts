/** Calls of one kind that were spent and are not written down yet. */
export interface SpentCalls {
  readonly day: Date;
  readonly operation: string;
  readonly userId: string;
  readonly apiKeyId: string;
  quantity: number;
}

/** The one text that stands for a kind: what is counted together. */
export function kindOf({ day, operation, userId, apiKeyId }: Omit<SpentCalls, 'quantity'>): string {
  return `${day.toISOString()}/${operation}/${userId}/${apiKeyId}`;
}

/** How many calls these are together. */
export function quantityOf(spent: Iterable<SpentCalls>): number {
  let sum = 0;
  for (const { quantity } of spent) sum += quantity;
  return sum;
}

/** What one process holds of the calls of one organization in one period. */
export interface CallLease {
  readonly periodStart: Date;
  readonly periodEnd: Date;
  readonly limit: number;
  /** Taken by all processes together, when this one took its own. */
  readonly leased: number;
  /** When it must be given back, so that a limit that was lowered elsewhere holds here too. */
  readonly goodUntil: Date;
  /** Taken and not spent yet. */
  left: number;
  /** By kind. */
  spent: Map<string, SpentCalls>;
}

/** What is left of an organization's calls, as far as a process knows. */
export interface CallsLeft {
  readonly limit: number;
  readonly used: number;
  readonly remaining: number;
  readonly resetsAt: Date;
}

/** Everything that one process remembers of calls. What is here and in no row is lost with the process. */
export interface CallLeases {
  readonly held: Map<string, CallLease>;
  /** Organizations whose calls are used up, so that their refusals cost no statement for a moment. */
  readonly usedUp: Map<string, { readonly until: Date; readonly calls: CallsLeft }>;
  /** The last work of each organization on its rows; the next one waits for it. */
  readonly working: Map<string, Promise<unknown>>;
}

export function createCallLeases(): CallLeases {
  return { held: new Map(), usedUp: new Map(), working: new Map() };
}
