import { findDatabase } from '../platform/database.ts';
import { StartupError } from '../platform/startup-error.ts';
import { runCommand, say } from './command.ts';

await runCommand(async (config) => {
  const databaseUrl = await findDatabase(config);
  if (!databaseUrl)
    throw new StartupError(`No program is running on the data folder ${config.dataDir}. Start it with npm start.`);
  say(databaseUrl);
});
