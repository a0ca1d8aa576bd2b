import type { PgBoss } from 'pg-boss';
import type { Config } from '../config.ts';
import type { AccessTokens } from './access-tokens.ts';
import type { RootDb } from './db.ts';
import type { Keyring } from './keyring.ts';
import type { Logger } from './log.ts';
import type { Mailer } from './mailer.ts';
import type { Passwords } from './passwords.ts';

/** What the program stands on, built once in `app.ts` and carried by every ctx. */
export interface Platform {
  readonly config: Config;
  readonly log: Logger;
  readonly now: () => Date;
  readonly db: RootDb;
  readonly keyring: Keyring;
  readonly accessTokens: AccessTokens;
  readonly passwords: Passwords;
  readonly mailer: Mailer;
  readonly jobQueue: PgBoss;
}
