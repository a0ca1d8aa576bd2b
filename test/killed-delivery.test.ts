import { once } from 'node:events';
import pg from 'pg';
import { expect, test, vi } from 'vitest';
import { startProgram } from './support/command.ts';
import { arrived, isSignedWith, ok, soon } from './support/webhook-receiver.ts';
import { allowLoopback, aSubscription, settled, somethingHappens } from './support/webhooks.ts';
import { useApp } from './support/world.ts';

const app = useApp(allowLoopback);

// In a file of its own, since it waits for a lease to run out.
test('a delivery whose sender is killed between the answer and the commit goes out again under the same id', {
  timeout: 120_000,
}, async () => {
  const subscription = await aSubscription(app);
  const { owner, receiver, secret } = subscription;
  // The other process sends, and this one takes over later.
  app.platform.courier.isClosed = true;
  const doomed = startProgram(app, { program: 'main', words: ['worker'], environment: allowLoopback });
  doomed.stderr.resume();
  const ended = once(doomed, 'exit');
  // It says that it is ready.
  await once(doomed.stdout, 'data');

  const client = new pg.Client({ connectionString: app.databaseUrl });
  await client.connect();
  receiver.reply = async (received, response) => {
    if (receiver.deliveries.length === 1) {
      await client.query('BEGIN');
      await client.query('SELECT FROM webhook_deliveries FOR UPDATE');
    }
    await ok(received, response);
  };
  await somethingHappens(owner);
  await arrived(receiver, 1);
  const isWriting = async () => {
    await client.query('SELECT pg_stat_clear_snapshot()');
    const waiting = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
    return (await client.query(waiting)).rowCount === 1;
  };
  await vi.waitUntil(isWriting, soon);
  doomed.kill('SIGKILL');
  await ended;
  const killedAt = Date.now();
  await client.query('ROLLBACK');
  app.platform.courier.isClosed = false;

  const [first, second] = await vi.waitUntil(() => receiver.deliveries.length === 2 && receiver.deliveries, {
    timeout: 60_000,
  });
  expect(Date.now() - killedAt).toBeLessThan(60_000);
  expect([second?.id, second?.body]).toEqual([first?.id, first?.body]);
  expect(second && isSignedWith(secret, second)).toBe(true);
  const { deliveries } = await settled(subscription, 'SUCCEEDED');
  expect(deliveries[0]?.attempts.map(({ number }) => number)).toEqual([2]);
  await client.end();
  await receiver.close();
});
