import { expect, test } from 'vitest';
import { aKey } from './support/api-keys.ts';
import { dumpDatabase } from './support/dump.ts';
import { mailsTo, tokenIn, waitForMail } from './support/mailbox.ts';
import { ChangeEmail, RequestReset } from './support/own-account.ts';
import { aChallengeFor, signInWithSecondFactor, withSecondFactor } from './support/second-factor.ts';
import { Refresh } from './support/session-operations.ts';
import { aMemberOf, anAddress, aPerson, callerWith, password, signIn, useApp } from './support/world.ts';

const app = useApp();

/** What could stand in the database of a secret: its text, its bytes, or the bytes that it encodes. */
const formsOf = (secret: string) => [
  secret,
  Buffer.from(secret).toString('hex'),
  Buffer.from(secret, 'base64url').toString('hex'),
  Buffer.from(secret).toString('base64'),
];

test('F04 F13 F14 F32 a dump of the database holds no password, token, seed or code of a whole life', async () => {
  const ada = await aPerson(app);
  const phone = await signIn(app, ada);
  const { data } = await callerWith(app).send(Refresh, { refreshToken: phone.refreshToken });
  const refreshed = data.refreshSession.__typename === 'SignedIn' ? data.refreshSession.refreshToken : null;
  const grace = await aMemberOf(app, ada);
  const factor = await withSecondFactor(app, ada);
  const challenge = await aChallengeFor(app, ada);
  const { accessToken, refreshToken } = await signInWithSecondFactor(app, ada, factor);
  const key = await aKey(app, ada);
  await callerWith(app).send(RequestReset, { email: ada.email });
  const newEmail = anAddress();
  await ada.send(ChangeEmail, { newEmail });
  await waitForMail(app, { to: newEmail });
  const addresses = [ada.email, grace.email, newEmail];
  await expect.poll(async () => (await mailsTo(app, ada.email)).length, { timeout: 10_000 }).toBeGreaterThan(2);
  const mails = (await Promise.all(addresses.map((address) => mailsTo(app, address)))).flat();
  const mailed = mails.filter((mail) => mail.text.includes('token=')).map(tokenIn);

  const secrets = [
    password,
    ...[ada, phone, grace].flatMap((person) => [person.accessToken, person.refreshToken]),
    ...[refreshed ?? '', challenge, accessToken, refreshToken, key.secret, key.secret.slice(36)],
    ...[factor.secret, ...factor.backupCodes, ...factor.backupCodes.map((code) => code.replaceAll('-', ''))],
    ...mailed,
  ];
  const dump = (await dumpDatabase(app)).toLowerCase();
  expect(dump).toContain(ada.email);
  expect(mailed.length).toBeGreaterThanOrEqual(4);
  expect(secrets.filter((secret) => secret.length < 8)).toEqual([]);
  expect(secrets.filter((secret) => formsOf(secret).some((form) => dump.includes(form.toLowerCase())))).toEqual([]);
});
