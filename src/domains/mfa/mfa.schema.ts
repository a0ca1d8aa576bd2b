import { Conflict, InvalidCode, InvalidCredentials, InvalidToken } from '../../errors.ts';
import { actAs } from '../../graphql/acting.ts';
import { builder } from '../../graphql/builder.ts';
import { reauthenticatedUntil } from '../members/members.access.ts';
import { SessionTransport, SignedIn } from '../sessions/signed-in.schema.ts';
import { signInBy } from '../sessions/transport.service.ts';
import { regenerateBackupCodes } from './backup-codes.service.ts';
import {
  beginTotpEnrollment,
  confirmTotpEnrollment,
  disableTotp,
  type TotpEnrollment as TotpEnrollmentShape,
} from './enrollment.service.ts';
import { Mfa } from './mfa-state.schema.ts';
import { type MfaState, mfaState } from './second-factor.service.ts';
import { verifyMfaChallenge } from './sign-in.service.ts';
import { reauthenticate } from './step-up.service.ts';

const VerifyMfaChallengeInput = builder.inputType('VerifyMfaChallengeInput', {
  description: 'The second half of a sign-in.',
  fields: (t) => ({
    challengeToken: t.string({ required: true, description: 'What `login` answered with.' }),
    code: t.string({ required: true, description: 'Six digits of the authenticator, or a backup code.' }),
    transport: t.field({
      type: SessionTransport,
      required: true,
      defaultValue: 'BEARER',
      description: 'For browsers COOKIE.',
    }),
  }),
});

builder.mutationField('verifyMfaChallenge', (t) =>
  t.field({
    description: 'Ends a sign-in that waits for its second factor. A challenge lasts five minutes and five tries.',
    type: builder.errorUnion('VerifyMfaChallengeResult', {
      description: 'What became of the second factor.',
      types: [SignedIn, InvalidCode, InvalidToken],
      resolveType: () => 'SignedIn',
    }),
    authScopes: { public: true },
    args: { input: t.arg({ type: VerifyMfaChallengeInput, required: true, description: 'The code.' }) },
    resolve: (_root, { input }, ctx) => signInBy(ctx, input.transport, () => verifyMfaChallenge(ctx, input)),
  }),
);

const TotpEnrollment = builder.objectRef<TotpEnrollmentShape>('TotpEnrollment').implement({
  description: 'An authenticator to be. It counts once `confirmTotpEnrollment` has seen a code of it.',
  fields: (t) => ({
    secret: t.exposeString('secret', { description: 'The seed in base32, to be typed where no camera is.' }),
    otpauthUri: t.exposeString('otpauthUri', { description: 'What the QR code says.' }),
    qrCode: t.exposeString('qrCode', { description: 'SVG.' }),
    expiresAt: t.expose('expiresAt', { description: 'Until when it can be confirmed.', type: 'DateTime' }),
  }),
});

builder.mutationField('beginTotpEnrollment', (t) =>
  t.field({
    description: 'Draws the seed of an authenticator. A later one takes its place; a confirmed one is not touched.',
    type: builder.errorUnion('BeginTotpEnrollmentResult', {
      description: 'What became of beginTotpEnrollment.',
      types: [TotpEnrollment, Conflict],
      resolveType: () => 'TotpEnrollment',
    }),
    authScopes: { signedIn: true, reauthenticated: true },
    resolve: (_root, _args, ctx) => beginTotpEnrollment(ctx),
  }),
);

const BackupCodes = builder.objectRef<{ codes: string[] }>('BackupCodes').implement({
  description: 'Ten codes for the day the authenticator is lost. They are shown this once; each works once.',
  fields: (t) => ({ codes: t.exposeStringList('codes', { description: 'In groups of four, for people.' }) }),
});

const CodeInput = builder.inputType('CodeInput', {
  description: 'A code of the second factor.',
  fields: (t) => ({ code: t.string({ required: true, description: 'As shown by the authenticator.' }) }),
});

builder.mutationField('confirmTotpEnrollment', (t) =>
  t.field({
    description:
      'Makes the new authenticator the second factor. This session has passed it from now on, all other ones end.',
    type: builder.errorUnion('ConfirmTotpEnrollmentResult', {
      description: 'What became of confirmTotpEnrollment.',
      types: [BackupCodes, InvalidCode],
      resolveType: () => 'BackupCodes',
    }),
    authScopes: { signedIn: true },
    args: { input: t.arg({ type: CodeInput, required: true, description: 'The first code.' }) },
    resolve: (_root, { input }, ctx) => confirmTotpEnrollment(ctx, input),
  }),
);

builder.mutationField('regenerateBackupCodes', (t) =>
  t.field({
    description: 'Ten new backup codes in the place of all older ones.',
    type: builder.errorUnion('RegenerateBackupCodesResult', {
      description: 'What became of regenerateBackupCodes.',
      types: [BackupCodes, Conflict],
      resolveType: () => 'BackupCodes',
    }),
    authScopes: { signedIn: true, mfaSatisfied: true, reauthenticated: true },
    resolve: (_root, _args, ctx) => regenerateBackupCodes(ctx),
  }),
);

const TotpDisabled = builder.objectRef<{ mfa: MfaState }>('TotpDisabled').implement({
  description: 'There is no second factor any more.',
  fields: (t) => ({ mfa: t.expose('mfa', { description: 'How it is now.', type: Mfa }) }),
});

builder.mutationField('disableTotp', (t) =>
  t.field({
    description: 'Takes the second factor away. Other sessions end, and so do sign-ins that wait for a code.',
    type: builder.errorUnion('DisableTotpResult', {
      description: 'What became of disableTotp.',
      types: [TotpDisabled, InvalidCode],
      resolveType: () => 'TotpDisabled',
    }),
    authScopes: { signedIn: true, reauthenticated: true },
    args: {
      input: t.arg({ type: CodeInput, required: true, description: 'A last code; a backup code does as well.' }),
    },
    resolve: async (_root, { input }, ctx) => {
      actAs(ctx, await disableTotp(ctx, input));
      return { mfa: await mfaState(ctx) };
    },
  }),
);

const Reauthenticated = builder.objectRef<{ until: Date }>('Reauthenticated').implement({
  description: 'The caller proved anew who they are.',
  fields: (t) => ({
    until: t.expose('until', {
      description: 'Until when sensitive changes are open to this session.',
      type: 'DateTime',
    }),
  }),
});

const ReauthenticateInput = builder.inputType('ReauthenticateInput', {
  description: 'Password and code: both where there are both.',
  fields: (t) => ({
    password: t.string({ description: 'Needed where the account has one.' }),
    code: t.string({ description: 'Six digits or a backup code; needed where a second factor is enrolled.' }),
  }),
});

builder.mutationField('reauthenticate', (t) =>
  t.field({
    description: 'Opens what needs a recent proof of who the caller is, for ten minutes of this session.',
    type: builder.errorUnion('ReauthenticateResult', {
      description: 'What became of reauthenticate.',
      types: [Reauthenticated, InvalidCredentials, InvalidCode],
      resolveType: () => 'Reauthenticated',
    }),
    authScopes: { signedIn: true },
    args: { input: t.arg({ type: ReauthenticateInput, required: true, description: 'The proofs.' }) },
    resolve: async (_root, { input }, ctx) => {
      const actor = await reauthenticate(ctx, { password: input.password ?? null, code: input.code ?? null });
      actAs(ctx, actor);
      return { until: reauthenticatedUntil(actor) };
    },
  }),
);
