import { describe, expect, test, vi } from 'vitest';
import { retryWaitMs } from '../src/domains/webhooks/retry-schedule.ts';
import { closeCourier } from '../src/platform/courier.ts';
import { arrived, soon } from './support/webhook-receiver.ts';
import { allowLoopback, aSubscription, lookAt, somethingHappens } from './support/webhooks.ts';
import { useApp } from './support/world.ts';

const app = useApp(allowLoopback);

describe('the waits between tries', () => {
  const now = new Date('2026-11-24T12:00:00Z');
  const waits = (retriesUsed: number, retryAfter: string | null = null, schedule: number[] | null = null) =>
    Array.from({ length: 200 }, () => retryWaitMs({ retriesUsed, schedule, retryAfter, now }));

  test('are those of Standard Webhooks, each give or take a fifth, and then there are none', () => {
    const standard = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
    for (const [used, seconds] of standard.entries()) {
      const [least, most] = [Math.min(...waits(used).map(Number)), Math.max(...waits(used).map(Number))];
      expect([least >= seconds * 800, most <= seconds * 1200, most > least]).toEqual([true, true, true]);
    }
    expect(new Set(waits(standard.length))).toEqual(new Set([null]));
  });

  test.each([
    ['more than the wait', '120', 120_000],
    ['a date', 'Tue, 24 Nov 2026 12:02:00 GMT', 120_000],
    ['more than a day', '9999999', 86_400_000],
  ])('are as long as Retry-After says: %s', (_what, retryAfter, expected) => {
    expect(new Set(waits(0, retryAfter))).toEqual(new Set([expected]));
  });

  test.each(['1', '0', '-5', 'soon', '', 'Tue, 24 Nov 2020 12:00:00 GMT'])(
    'are not shortened by Retry-After: "%s"',
    (retryAfter) => {
      expect(Math.min(...waits(1, retryAfter).map(Number))).toBeGreaterThanOrEqual(240_000);
    },
  );
});

describe('a worker that stops', () => {
  test('gives back what it is sending, as if it had not begun', async () => {
    const { owner, receiver, id } = await aSubscription(app);
    receiver.reply = () => {};
    await somethingHappens(owner);
    await arrived(receiver, 1);
    await closeCourier(app.platform.courier, 50);
    const given = await vi.waitUntil(async () => {
      const [delivery] = (await lookAt(owner, id)).deliveries;
      return delivery?.status === 'PENDING' && delivery;
    }, soon);
    expect([given.attempts, Date.parse(given.nextAttemptAt ?? '') <= Date.now()]).toEqual([[], true]);
    await somethingHappens(owner, 'Other Engines');
    expect([app.platform.courier.underWay.size, receiver.deliveries.length]).toEqual([0, 1]);
    await receiver.close();
  });
});
