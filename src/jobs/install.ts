import { PgBoss } from 'pg-boss';
import { jobNames } from './catalog.ts';

/**
 * Creates or upgrades pg-boss's schema and makes the queue of every job in the catalog. May be repeated, and run by
 * two processes at once. No connection is left open.
 */
export async function installJobQueue(databaseUrl: string): Promise<void> {
  const jobQueue = new PgBoss({
    connectionString: databaseUrl,
    max: 2,
    supervise: false,
    schedule: false,
    registerInstance: false,
  });
  // What matters rejects the calls below; the event alone would end the process.
  jobQueue.on('error', () => {});
  try {
    await jobQueue.start();
    for (const name of jobNames) await jobQueue.createQueue(name, { notify: true });
  } finally {
    await jobQueue.stop({ graceful: false });
  }
}
