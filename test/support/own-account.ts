import { graphql } from '../generated/gql.ts';
import { mailsTo, tokenIn, waitForMail } from './mailbox.ts';
import { exchange } from './raw-socket.ts';
import { callerWith, type Person, type TestApp } from './world.ts';

export const RequestReset = graphql(`
  mutation RequestPasswordReset($email: String!) {
    requestPasswordReset(input: { email: $email }) {
      __typename
      ... on Accepted { email }
      ... on ValidationFailed { issues { path } }
      ... on Error { code message }
    }
  }
`);

export const ResetPassword = graphql(`
  mutation ResetPassword($token: String!, $newPassword: String!) {
    resetPassword(input: { token: $token, newPassword: $newPassword }) {
      __typename
      ... on PasswordChanged { email }
      ... on ValidationFailed { issues { path message } }
      ... on Error { code }
    }
  }
`);

export const ChangePassword = graphql(`
  mutation ChangePassword($currentPassword: String!, $newPassword: String!) {
    changePassword(input: { currentPassword: $currentPassword, newPassword: $newPassword }) {
      __typename
      ... on PasswordChanged { email }
      ... on ValidationFailed { issues { path message } }
      ... on Error { code }
    }
  }
`);

export const ChangeEmail = graphql(`
  mutation ChangeEmail($newEmail: String!) {
    changeEmail(input: { newEmail: $newEmail }) {
      __typename
      ... on Accepted { email }
      ... on ValidationFailed { issues { path } }
    }
  }
`);

export const ConfirmEmailChange = graphql(`
  mutation ConfirmEmailChange($token: String!) {
    confirmEmailChange(input: { token: $token }) {
      __typename
      ... on EmailVerified { email }
      ... on Error { code }
    }
  }
`);

export const DeleteAccount = graphql(`
  mutation DeleteAccount {
    deleteAccount {
      __typename
      ... on AccountDeleted { userId }
      ... on Error { code }
    }
  }
`);

/** Who a caller is, null when their session is over. */
export const WhoAmI = graphql(`query WhoAmI { viewer { email user { name } invitations { id } } }`);

export const newPassword = 'a fresh and quite long phrase';

/** The token of a newly mailed link to choose a password. */
export function resetTokenFor(app: TestApp, email: string): Promise<string> {
  const wanted = { to: email, subject: 'Choose a new password' };
  return newTokenFor(app, wanted, () => callerWith(app).send(RequestReset, { email }));
}

/** The token of a newly mailed link to move a person to an address. */
export function changeTokenFor(app: TestApp, person: Person, newEmail: string): Promise<string> {
  const wanted = { to: newEmail, subject: 'Confirm your new email address' };
  return newTokenFor(app, wanted, () => person.send(ChangeEmail, { newEmail }));
}

async function newTokenFor(app: TestApp, wanted: { to: string; subject: string }, ask: () => Promise<unknown>) {
  const before = (await mailsTo(app, wanted.to)).filter((mail) => mail.subject === wanted.subject);
  await ask();
  return tokenIn(await waitForMail(app, { ...wanted, count: before.length + 1 }));
}

/** Makes the person's last proof of who they are eleven minutes old. */
export async function signedInLongAgo(app: TestApp, person: Person): Promise<Person> {
  const authenticatedAt = new Date(Date.now() - 11 * 60_000);
  await app.platform.db.session.updateMany({ where: { user: { email: person.email } }, data: { authenticatedAt } });
  return person;
}

/** What the tables of mailed secrets and of jobs hold, as text. */
export async function dumpOf(app: TestApp): Promise<string> {
  return JSON.stringify(
    await app.platform.db.$queryRaw`
    SELECT (SELECT json_agg(t) FROM email_tokens t)::text AS tokens, (SELECT json_agg(j) FROM pgboss.job j)::text AS jobs`,
  );
}

/** A secret as it is mailed, and as its bytes would stand in a dump. */
export function formsOf(secret: string): string[] {
  return [secret, Buffer.from(secret).toString('hex'), Buffer.from(secret, 'base64url').toString('hex')];
}

/** One mutation in a request whose `Host` and all that proxies add to it are another server's. */
export async function sendWithForgedHost(app: TestApp, mutation: string, accessToken?: string): Promise<void> {
  const body = JSON.stringify({ query: `mutation { ${mutation} { __typename } }` });
  const lines = [
    'POST /graphql HTTP/1.1',
    'Host: evil.example',
    'X-Forwarded-Host: evil.example',
    'Forwarded: host=evil.example',
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...(accessToken ? [`Authorization: Bearer ${accessToken}`] : []),
    'Connection: close',
  ];
  const answer = await exchange(app.url, `${lines.join('\r\n')}\r\n\r\n${body}`);
  if (!answer.includes('"Accepted"')) throw new Error(`refused: ${answer}`);
}
