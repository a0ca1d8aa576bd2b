import { rotateKeys } from '../platform/key-rotation.ts';
import { StartupError } from '../platform/startup-error.ts';
import { runCommand, say } from './command.ts';
import { withPlatform } from './program.ts';

await runCommand(async (config) => {
  await withPlatform(config, async ({ db, keyring }) => {
    const { rewrapped, unreadable } = await rotateKeys(db, keyring);
    say(`${rewrapped} ${rewrapped === 1 ? 'value is' : 'values are'} now under the key ${keyring.currentId}.`);
    if (unreadable.length > 0)
      throw new StartupError(`Nothing in KEYRING opens these, they stay as they are:\n${unreadable.join('\n')}`);
  });
});
