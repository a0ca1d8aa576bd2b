import { installJobQueue } from '../jobs/install.ts';
import { withConnection } from '../platform/connection.ts';
import { applyMigrations } from '../platform/migrations.ts';
import { reasonOf, StartupError } from '../platform/startup-error.ts';
import { runCommand, say, withDatabase } from './command.ts';

const migrationLock = 7_146_002;

/**
 * Brings the database up to date, ours and the job queue's; gives the names of our migrations that it lacked. One program
 * does it at a time, the others wait and find nothing to do.
 * @throws StartupError when a migration fails.
 */
export async function migrateDatabase(databaseUrl: string): Promise<string[]> {
  return withConnection(databaseUrl, async (client) => {
    try {
      await client.query('SELECT pg_advisory_lock($1)', [migrationLock]);
      const applied = await applyMigrations(databaseUrl);
      await installJobQueue(databaseUrl);
      return applied;
    } catch (error) {
      throw new StartupError(`The database cannot be migrated: ${reasonOf(error)}`, { cause: error });
    }
  });
}

if (import.meta.main) {
  await runCommand(async (config) => {
    const applied = await withDatabase(config, migrateDatabase);
    say(applied.length > 0 ? `Applied ${applied.join(', ')}.` : 'The database is up to date.');
  });
}
