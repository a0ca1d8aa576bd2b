import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { expect, test, vi } from 'vitest';
import { callsAtOnce, capCalls, countersOf } from './support/calls.ts';
import { startProgram } from './support/command.ts';
import { aPerson, callerWith, useApp } from './support/world.ts';

// Processes start at the full price, on the cores that other tests use as well.
vi.setConfig({ testTimeout: 300_000 });

// It makes people; the servers share its database, and its keys in the data folder.
const app = useApp();
const limit = 100;
/** Of this limit. */
const chunk = 2;

async function startServer() {
  const program = startProgram(app, { program: 'main', words: ['api'] });
  program.stderr.resume();
  const exit = once(program, 'exit');
  for await (const line of createInterface({ input: program.stdout })) {
    const { msg, url } = JSON.parse(line) as { msg?: string; url?: string };
    if (msg !== 'ready' || !url) continue;
    program.stdout.resume();
    return {
      url,
      async end(signal: NodeJS.Signals) {
        program.kill(signal);
        await exit;
      },
    };
  }
  throw new Error('a server has ended before it was ready');
}

const grantedOf = (outcomes: string[]) => outcomes.filter((outcome) => outcome === 'ok').length;

test('F29 F31 two processes grant four hundred calls at once up to the limit, and stopped by SIGTERM they lose none', async () => {
  const owner = await aPerson(app);
  await capCalls(owner, limit);
  const before = await countersOf(app);
  const servers = await Promise.all([startServer(), startServer()]);
  const callers = servers.map((server) => callerWith(server, owner.accessToken));
  const granted = grantedOf(await callsAtOnce(callers, 400));
  expect(granted).toBeLessThanOrEqual(limit);
  expect(granted).toBeGreaterThanOrEqual(limit - chunk);
  await Promise.all(servers.map((server) => server.end('SIGTERM')));
  const after = await countersOf(app);
  const calls = { leased: granted, used: granted, rollups: granted };
  expect({
    leased: after.leased - before.leased,
    used: after.used - before.used,
    rollups: after.rollups - before.rollups,
  }).toEqual(calls);
});

test('F31 a process that is killed loses a chunk at most, and none is granted twice', async () => {
  const owner = await aPerson(app);
  await capCalls(owner, limit);
  const before = await countersOf(app);
  const [doomed, survivor] = await Promise.all([startServer(), startServer()]);
  const first = grantedOf(await callsAtOnce([callerWith(doomed, owner.accessToken)], 51));
  await doomed.end('SIGKILL');
  const rest = grantedOf(await callsAtOnce([callerWith(survivor, owner.accessToken)], 100));
  expect(first).toBe(51);
  expect(first + rest).toBeLessThanOrEqual(limit);
  expect(first + rest).toBeGreaterThanOrEqual(limit - chunk);
  await survivor.end('SIGTERM');
  const after = await countersOf(app);
  const used = after.used - before.used;
  expect(used).toBeLessThanOrEqual(first + rest);
  expect(used).toBeGreaterThanOrEqual(first + rest - chunk);
  expect(after.rollups - before.rollups).toBe(used);
});
