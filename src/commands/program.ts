import { type App, startApp } from '../app.ts';
import type { Config } from '../config.ts';
import { createLogger } from '../platform/log.ts';
import { withDatabase } from './command.ts';
import { migrateDatabase } from './migrate.ts';

/** Gives `work` the platform of the program on a migrated database, without any of its roles. */
export async function withPlatform<T>(config: Config, work: (platform: App['platform']) => Promise<T>): Promise<T> {
  return withDatabase(config, async (databaseUrl) => {
    await migrateDatabase(databaseUrl);
    const log = createLogger(config.logLevel, process.stderr);
    const app = await startApp(config, { databaseUrl, roles: [], log });
    try {
      return await work(app.platform);
    } finally {
      await app.close();
    }
  });
}
