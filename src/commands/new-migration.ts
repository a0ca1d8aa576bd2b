import path from 'node:path';
import { writeMigration } from '../platform/migrations.ts';
import { StartupError } from '../platform/startup-error.ts';
import { runCommand, say, withDatabase } from './command.ts';

await runCommand(async (config) => {
  const name = process.argv.slice(2).join('_').toLowerCase().replaceAll('-', '_');
  if (!/^[a-z][a-z0-9_]*$/.test(name)) throw new StartupError('Say what changes: npm run db:new -- add_webhooks');
  const file = await withDatabase(config, (databaseUrl) => writeMigration(databaseUrl, name));
  if (file)
    say(`Wrote ${path.relative('.', file)} and prisma/schema.sql. Read the migration; the next start applies it.`);
  if (!file) say('The migrations make what schema.prisma says. Wrote prisma/schema.sql from them.');
});
