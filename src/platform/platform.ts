import type { PgBoss } from 'pg-boss';
import type { Config } from '../config.ts';
import type { AccessTokens } from './access-tokens.ts';
import type { BreachedPasswords } from './breached-passwords.ts';
import type { CallLeases } from './call-leases.ts';
import type { Courier } from './courier.ts';
import type { Read, RootDb } from './db.ts';
import type { IdentityProvider } from './identity-provider.ts';
import type { Keyring } from './keyring.ts';
import type { Logger } from './log.ts';
import type { Mailer } from './mailer.ts';
import type { Metrics } from './metrics.ts';
import type { OwnAddress } from './own-address.ts';
import type { Passwords } from './passwords.ts';
import type { PubSub } from './pubsub.ts';
import type { RateLimits } from './rate-limit.ts';
import type { SafeHttp } from './safe-http.ts';
import type { Signatures } from './signatures.ts';
import type { Storage } from './storage/storage.ts';
import type { StripeAccount } from './stripe.ts';
import type { Telemetry } from './telemetry.ts';

/** What the program stands on, built once in `app.ts` and carried by every ctx. */
export interface Platform {
  readonly config: Config;
  readonly log: Logger;
  readonly now: () => Date;
  readonly db: RootDb;
  readonly read: Read;
  readonly keyring: Keyring;
  readonly accessTokens: AccessTokens;
  readonly signatures: Signatures;
  readonly passwords: Passwords;
  readonly breachedPasswords: BreachedPasswords;
  readonly rateLimits: RateLimits;
  /** How long an answer takes at least that must not tell what was found. */
  readonly timeFloorMs: number;
  readonly identityProviders: ReadonlyMap<string, IdentityProvider>;
  readonly mailer: Mailer;
  readonly metrics: Metrics;
  /** Null: nothing is traced. */
  readonly telemetry: Telemetry | null;
  readonly jobQueue: PgBoss;
  readonly pubsub: PubSub;
  readonly callLeases: CallLeases;
  readonly storage: Storage;
  readonly ownAddress: OwnAddress;
  readonly safeHttp: SafeHttp;
  readonly courier: Courier;
  /** Null where nobody can pay. */
  readonly stripe: StripeAccount | null;
}
