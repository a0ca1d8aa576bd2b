import { graphql } from '../generated/gql.ts';
import { aChallengeFor, BeginTotp, ConfirmTotp, currentStep, totp, VerifyChallenge } from './second-factor.ts';
import { callerWith, type Person, type TestApp } from './world.ts';

export const Mfa = graphql(`
  query Mfa { viewer { mfa { totpEnabled totpConfirmedAt backupCodesRemaining satisfied } session { mfaSatisfiedAt } } }
`);
export const Regenerate = graphql(`
  mutation Regenerate { regenerateBackupCodes { __typename ... on BackupCodes { codes } ... on Error { code } } }
`);
export const Disable = graphql(`
  mutation Disable($code: String!) {
    disableTotp(input: { code: $code }) {
      __typename
      ... on TotpDisabled { mfa { totpEnabled totpConfirmedAt backupCodesRemaining satisfied } }
      ... on InvalidCode { attemptsLeft }
    }
  }
`);

/** The steps of a person with a second factor, at one running program. */
export function mfaSteps(app: TestApp) {
  async function begin(person: Person) {
    const { data, codes } = await person.send(BeginTotp);
    if (data?.beginTotpEnrollment.__typename !== 'TotpEnrollment') throw new Error(`no enrolment ${codes}`);
    return data.beginTotpEnrollment;
  }

  async function verify(challengeToken: string, code: string) {
    return (await callerWith(app).send(VerifyChallenge, { challengeToken, code })).data.verifyMfaChallenge;
  }

  async function challengesFor(person: Person, count: number): Promise<string[]> {
    const challenges: string[] = [];
    while (challenges.length < count) challenges.push(await aChallengeFor(app, person));
    return challenges;
  }

  const confirm = async (person: Person, code: string) =>
    (await person.send(ConfirmTotp, { code })).data.confirmTotpEnrollment.__typename;
  const mfaOf = async (person: Person) => (await person.send(Mfa)).data.viewer?.mfa;
  const isAlive = async (person: Person) => (await person.send(Mfa)).status === 200;
  const kindsOf = (answers: { __typename: string }[]) => answers.map(({ __typename }) => __typename);
  const wrongCode = (secret: string) => totp(secret, currentStep() - 100);
  return { begin, verify, challengesFor, confirm, mfaOf, isAlive, kindsOf, wrongCode };
}
