import { expect, test } from 'vitest';
import { removeExpired } from '../src/domains/accounts/clean-up.service.ts';
import { later } from './support/later.ts';
import { RequestReset } from './support/own-account.ts';
import { aChallengeFor, withSecondFactor } from './support/second-factor.ts';
import { Logout, Ping } from './support/session-operations.ts';
import { aPerson, callerWith, Login, signIn, useApp } from './support/world.ts';

const app = useApp();
const day = 86_400_000;

/** Cleans up as it would be done after so long. */
async function cleanUpAfter(ms: number) {
  await removeExpired(later(app, ms));
}

async function counts() {
  const { session, emailToken, mfaChallenge, attemptCounter } = app.platform.db;
  return Promise.all([session.count(), emailToken.count(), mfaChallenge.count(), attemptCounter.count()]);
}

test('the clean-up takes what has expired, a session a month after its end, and nothing that still counts', async () => {
  const ada = await aPerson(app);
  const phone = await signIn(app, ada);
  await callerWith(app).send(Login, { input: { email: ada.email, password: 'a wrong password' } });
  await callerWith(app).send(RequestReset, { email: ada.email });
  await expect.poll(() => app.platform.db.emailToken.count(), { timeout: 10_000 }).toBe(1);
  await phone.send(Logout);
  await withSecondFactor(app, ada);
  await aChallengeFor(app, ada);

  const before = await counts();
  await cleanUpAfter(0);
  expect(await counts()).toEqual(before);
  expect((await ada.send(Ping)).data.viewer?.email).toBe(ada.email);

  await cleanUpAfter(2 * day);
  const [sessions, ...others] = await counts();
  expect([sessions, others]).toEqual([before[0], [0, 0, 0]]);
  await cleanUpAfter(31 * day);
  expect((await counts())[0]).toBe(1);
  await cleanUpAfter(45 * day);
  expect((await counts())[0]).toBe(0);
});
