import { systemCtx } from '../context.ts';
import { setSuperuser } from '../domains/accounts/superusers.service.ts';
import { NotFound } from '../errors.ts';
import { StartupError } from '../platform/startup-error.ts';
import { runCommand, say } from './command.ts';
import { withPlatform } from './program.ts';

await runCommand(async (config) => {
  const [verb, email, ...rest] = process.argv.slice(2);
  if ((verb !== 'grant' && verb !== 'revoke') || !email || rest.length > 0) {
    throw new StartupError(
      'Usage: npm run superuser -- grant ADDRESS     makes a person a superuser\n       npm run superuser -- revoke ADDRESS    takes it back',
    );
  }
  const isSuperuser = verb === 'grant';
  const isChanged = await withPlatform(config, (platform) =>
    setSuperuser(systemCtx(platform), { email, isSuperuser }),
  ).catch((error: unknown) => {
    throw error instanceof NotFound ? new StartupError(error.message) : error;
  });
  say(`${email} is ${isChanged ? 'now' : 'already'} ${isSuperuser ? 'a superuser' : 'no superuser'}.`);
  if (isSuperuser) say('What superusers may do opens to sessions that have passed a second factor.');
});
