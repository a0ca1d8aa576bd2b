import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import path from 'node:path';
import { expect, test } from 'vitest';
import { cloneDatabase } from './support/database.ts';
import { startJobs } from './support/jobs.ts';

// In a file of its own, since it waits for the heartbeat of the dead, ten seconds at least.
test('what a killed process was doing is taken up again within seconds', { timeout: 40_000 }, async () => {
  const database = await cloneDatabase();
  const invitationId = randomUUID();
  const argv = [path.join(import.meta.dirname, 'support/stuck-worker.ts'), database.url, invitationId];
  const doomed = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(doomed.stdout, 'data');
  doomed.kill('SIGKILL');
  await once(doomed, 'exit');
  const killedAt = Date.now();

  const ranAgain = Promise.withResolvers<string>();
  const survivor = await startJobs(database.url, {
    'invitation.sendEmail': async (_ctx, payload) => ranAgain.resolve(payload.invitationId),
  });

  expect(await ranAgain.promise).toBe(invitationId);
  expect(Date.now() - killedAt).toBeLessThan(30_000);
  await survivor.stop();
  await database.drop();
});
