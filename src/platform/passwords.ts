import { availableParallelism } from 'node:os';
import argon2 from 'argon2';
import { ServiceUnavailable } from '../errors.ts';

export interface PasswordCost {
  readonly memoryKiB: number;
  readonly passes: number;
}

/** Above OWASP's floor (19 MiB, 2 passes): 64 MiB, 3 passes, one lane. */
export const productionCost: PasswordCost = { memoryKiB: 65_536, passes: 3 };

/** Hashing shares the thread pool with signatures, files and DNS, so it never takes more than half of its threads. */
const hashesMax = Math.min(availableParallelism(), 2);
const waitingMax = 256;

/** argon2id (RFC 9106), one hash a core at a time; what waits beyond the queue's bound is refused as SERVICE_UNAVAILABLE. */
export interface Passwords {
  hash(password: string): Promise<string>;
  /** With no hash to compare, spends the same effort and says no. */
  verify(hash: string | null, password: string): Promise<boolean>;
  /** Whether `hash` was made with other parameters than today's. */
  needsRehash(hash: string): boolean;
}

export function createPasswords(cost: PasswordCost = productionCost): Passwords {
  const options = { type: argon2.argon2id, memoryCost: cost.memoryKiB, timeCost: cost.passes, parallelism: 1 } as const;
  const inTurn = createTurnstile(hashesMax, waitingMax);
  const hash = (password: string) => inTurn(() => argon2.hash(canonical(password), options));
  return {
    hash,
    async verify(stored, password) {
      if (stored !== null) return inTurn(() => argon2.verify(stored, canonical(password)));
      await hash(password);
      return false;
    },
    needsRehash: (stored) => argon2.needsRehash(stored, options),
  };
}

/** NIST 800-63B: the same password typed on another keyboard must be the same bytes. */
function canonical(password: string): string {
  return password.normalize('NFKC');
}

function createTurnstile(runningMax: number, queuedMax: number) {
  const queue: (() => void)[] = [];
  let running = 0;
  return async <T>(work: () => Promise<T>): Promise<T> => {
    if (running >= runningMax) {
      if (queue.length >= queuedMax) throw new ServiceUnavailable();
      await new Promise<void>((resolve) => queue.push(resolve));
    } else running += 1;
    try {
      return await work();
    } finally {
      const next = queue.shift();
      if (next) next();
      else running -= 1;
    }
  };
}
