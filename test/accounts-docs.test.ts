import { expect, test } from 'vitest';
import { operationsOf } from './support/docs.ts';
import { tokenIn, waitForMail } from './support/mailbox.ts';
import { BeginTotp, freshCode, totp } from './support/second-factor.ts';
import { anAddress, type Caller, callerWith, password, useApp } from './support/world.ts';

const appUrl = 'https://app.example.com/portal';
const app = useApp({
  PUBLIC_APP_URL: appUrl,
  OAUTH_GITHUB_CLIENT_ID: 'gatehouse',
  OAUTH_GITHUB_CLIENT_SECRET: 'a secret of the operator',
});

const shown = operationsOf('docs/accounts.md');
const unrun = new Set(shown.keys());

/** Sends what the page shows under a name; what it gives, without its wrapping. */
async function run(caller: Caller, name: string, variables: Record<string, string> = {}) {
  unrun.delete(name);
  const { data, errors } = await caller.send<Record<string, object>, unknown>(shown.get(name)?.text ?? '', variables);
  expect({ name, errors }).toEqual({ name, errors: [] });
  return Object.values(data)[0] as Record<string, string> & { codes: string[] };
}

test('what docs/accounts.md shows runs, as the life of one account', async () => {
  const [nobody, email] = [callerWith(app), anAddress()];
  const mailed = async (subject: string) => tokenIn(await waitForMail(app, { to: email, subject }));

  expect(await run(nobody, 'Join', { email, password })).toEqual({ email });
  expect(await run(nobody, 'Confirm', { token: await mailed('Confirm') })).toEqual({ email });
  const ada = callerWith(app, (await run(nobody, 'SignIn', { email, password })).accessToken);

  const { data } = await ada.send(BeginTotp);
  const { secret } = data.beginTotpEnrollment as { secret: string };
  const { codes: backupCodes } = await run(ada, 'Confirmed', { code: totp(secret) });
  expect(backupCodes).toHaveLength(10);
  const code = () => freshCode(app, { email }, { secret, backupCodes });

  const { challengeToken = '' } = await run(nobody, 'SignIn', { email, password });
  const { refreshToken = '' } = await run(nobody, 'SecondStep', { challengeToken, code: await code() });
  const { accessToken } = await run(nobody, 'Again', { refreshToken });
  const again = callerWith(app, accessToken);
  expect((await run(again, 'Devices')).sessions).toHaveLength(2);
  expect(await run(again, 'ProveIt', { password, code: await code() })).toEqual({ __typename: 'Reauthenticated' });

  await run(nobody, 'Forgotten', { email });
  const newPassword = 'a longer battery staple';
  expect(await run(nobody, 'Anew', { token: await mailed('password'), newPassword })).toEqual({
    __typename: 'PasswordChanged',
  });
  expect((await run(nobody, 'SignIn', { email, password: newPassword })).challengeToken).toBeTruthy();

  expect((await run(nobody, 'Leave', { redirectUri: appUrl })).authorizationUrl).toContain('client_id=gatehouse');
  expect([...unrun]).toEqual([]);
});
