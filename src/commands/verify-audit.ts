import { systemCtx } from '../context.ts';
import { type ChainProblem, verifyAudit } from '../domains/audit/verification.service.ts';
import { StartupError } from '../platform/startup-error.ts';
import { encodeId } from '../platform/typeid.ts';
import { runCommand, say } from './command.ts';
import { withPlatform } from './program.ts';

await runCommand(async (config) => {
  const found = await withPlatform(config, (platform) => verifyAudit(systemCtx(platform)));
  const { chains, entries, checkpoints, problems, unreadableCheckpoints } = found;
  say(`Walked ${chains} audit chains with ${entries} entries and ${checkpoints} signed checkpoints.`);
  if (unreadableCheckpoints > 0) {
    say(`${unreadableCheckpoints} of the checkpoints prove nothing: the key that signed them is not in SIGNING_KEYS.`);
  }
  if (problems.length > 0)
    throw new StartupError(`The audit log is not what was written:\n${problems.map(lineOf).join('\n')}`);
  say('Every chain is whole.');
});

function lineOf({ organizationId, sequence, what }: ChainProblem): string {
  const chain = organizationId === null ? 'the system' : encodeId('Organization', organizationId);
  return `  ${chain}: entry ${sequence} ${what}`;
}
