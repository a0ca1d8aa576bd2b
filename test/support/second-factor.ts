import { createHmac } from 'node:crypto';
import { graphql } from '../generated/gql.ts';
import { callerWith, Login, type Person, password, personWith, type TestApp } from './world.ts';

/** An enrolled authenticator, and the backup codes that came with it. */
export interface SecondFactor {
  readonly secret: string;
  readonly backupCodes: string[];
}

export const BeginTotp = graphql(`
  mutation BeginTotp {
    beginTotpEnrollment {
      __typename
      ... on TotpEnrollment { secret otpauthUri qrCode expiresAt }
      ... on Error { code message }
    }
  }
`);

export const ConfirmTotp = graphql(`
  mutation ConfirmTotp($code: String!) {
    confirmTotpEnrollment(input: { code: $code }) {
      __typename
      ... on BackupCodes { codes }
      ... on InvalidCode { attemptsLeft }
      ... on Error { code }
    }
  }
`);

export const VerifyChallenge = graphql(`
  mutation VerifyChallenge($challengeToken: String!, $code: String!) {
    verifyMfaChallenge(input: { challengeToken: $challengeToken, code: $code }) {
      __typename
      ... on SignedIn {
        accessToken
        refreshToken
        viewer { user { id } activeOrganization { id } session { id mfaSatisfiedAt } mfa { satisfied backupCodesRemaining } }
      }
      ... on InvalidCode { attemptsLeft }
      ... on Error { code }
    }
  }
`);

export function currentStep(): number {
  return Math.floor(Date.now() / 30_000);
}

/** The code of an authenticator at a time step (RFC 6238), reckoned without the library that the program uses. */
export function totp(secret: string, atStep = currentStep()): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(atStep));
  const mac = createHmac('sha1', base32(secret)).update(counter).digest();
  const number = mac.readUInt32BE((mac.at(-1) ?? 0) & 15) & 0x7fff_ffff;
  return String(number % 1_000_000).padStart(6, '0');
}

/** Gives a person a second factor. No code of it counts as used. */
export async function withSecondFactor(app: TestApp, person: Person): Promise<SecondFactor> {
  const { data: begun } = await person.send(BeginTotp);
  if (begun.beginTotpEnrollment.__typename !== 'TotpEnrollment') throw new Error('no enrolment');
  const { secret } = begun.beginTotpEnrollment;
  const { data } = await person.send(ConfirmTotp, { code: totp(secret) });
  if (data.confirmTotpEnrollment.__typename !== 'BackupCodes') throw new Error(`no second factor for ${person.email}`);
  await forgetUsedCodes(app, person);
  return { secret, backupCodes: data.confirmTotpEnrollment.codes };
}

/** A code that is good now, as if half a minute had gone by: the program forgets which one was used last. */
export async function freshCode(app: TestApp, { email }: { email: string }, { secret }: SecondFactor): Promise<string> {
  await forgetUsedCodes(app, { email });
  return totp(secret);
}

async function forgetUsedCodes(app: TestApp, { email }: { email: string }): Promise<void> {
  await app.platform.db.totpFactor.updateMany({ where: { user: { email } }, data: { lastUsedStep: 0 } });
}

/** The token of a challenge that waits for a code. */
export async function aChallengeFor(app: TestApp, { email }: { email: string }): Promise<string> {
  const { data } = await callerWith(app).send(Login, { input: { email, password } });
  if (data.login.__typename !== 'MfaChallenge') throw new Error(`no challenge for ${email}: ${data.login.__typename}`);
  return data.login.challengeToken;
}

/** A further session of a person, with its second factor passed. */
export async function signInWithSecondFactor(
  app: TestApp,
  { email, name = 'Ada' }: { email: string; name?: string },
  factor: SecondFactor,
): Promise<Person> {
  const challengeToken = await aChallengeFor(app, { email });
  const code = await freshCode(app, { email }, factor);
  const { data } = await callerWith(app).send(VerifyChallenge, { challengeToken, code });
  if (data.verifyMfaChallenge.__typename !== 'SignedIn')
    throw new Error(`no sign-in: ${data.verifyMfaChallenge.__typename}`);
  return personWith(app, data.verifyMfaChallenge, { email, name });
}

function base32(text: string): Buffer {
  const bits = [...text].map((symbol) =>
    'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(symbol).toString(2).padStart(5, '0'),
  );
  return Buffer.from((bits.join('').match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
}
