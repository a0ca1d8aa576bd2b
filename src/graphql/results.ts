import * as errors from '../errors.ts';
import { builder } from './builder.ts';

/** What every refusal in a result union has, so that `... on Error` is always valid. */
const ErrorInterface = builder.interfaceRef<errors.AppError>('Error').implement({
  description: 'A refusal that the person at the screen can act on.',
  fields: (t) => ({
    message: t.exposeString('message', { description: 'A sentence for people, in English.' }),
    code: t.exposeString('code', { description: 'The same refusal always has the same code.' }),
  }),
});

const FieldIssue = builder.objectRef<errors.FieldIssue>('FieldIssue').implement({
  description: 'What is wrong with one field of the input.',
  fields: (t) => ({
    path: t.exposeStringList('path', { description: 'Where in `input` it stands.' }),
    message: t.exposeString('message', { description: 'What to do about it.' }),
  }),
});

builder.objectType(errors.ValidationFailed, {
  name: 'ValidationFailed',
  description: 'The input is not acceptable; each issue says where and why.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    issues: t.field({ description: 'All of them at once.', type: [FieldIssue], resolve: (error) => error.issues }),
  }),
});

builder.objectType(errors.Conflict, {
  name: 'Conflict',
  description: 'Something that is there already stands in the way.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    field: t.exposeString('field', { description: 'The field of `input` that collides.', nullable: true }),
  }),
});

builder.objectType(errors.InvalidCode, {
  name: 'InvalidCode',
  description: 'The code is wrong, used or too old.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    attemptsLeft: t.exposeInt('attemptsLeft', { description: 'Further tries; null when not told.', nullable: true }),
  }),
});

builder.objectType(errors.VerificationFailed, {
  name: 'VerificationFailed',
  description: 'A webhook receiver has not answered the challenge as one that holds the newest secret.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    reason: t.exposeString('reason', { description: 'What it did instead, for people.' }),
  }),
});

export const QuotaResource = builder.enumType('QuotaResource', {
  description: 'What an organization has a limited amount of.',
  values: {
    API_CALLS: { description: 'Operations in the current period.' },
    STORAGE_BYTES: { description: 'Bytes in files, those in the trash included.' },
    MEMBERS: { description: 'Seats.' },
  },
});

builder.objectType(errors.QuotaExceeded, {
  name: 'QuotaExceeded',
  description: 'A limit of the plan, or of the organization itself, stands in the way.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    resource: t.expose('resource', { description: 'What is used up.', type: QuotaResource }),
    limit: t.expose('limit', { description: 'How much there is in all.', type: 'BigInt' }),
    used: t.expose('used', { description: 'How much of it is taken.', type: 'BigInt' }),
    resetsAt: t.expose('resetsAt', {
      description: 'When it starts again from zero; null for what does not.',
      type: 'DateTime',
      nullable: true,
    }),
  }),
});

const MfaMethod = builder.enumType('MfaMethod', {
  description: 'What a sign-in that waits for its second factor can be ended with.',
  values: {
    TOTP: { description: 'Six digits of the authenticator.' },
    BACKUP_CODE: { description: 'One of the backup codes.' },
  },
});

// No refusal: the sign-in goes on with `verifyMfaChallenge`.
builder.objectType(errors.SecondFactorNeeded, {
  name: 'MfaChallenge',
  description: 'The first factor is right, the second is still to come, by `verifyMfaChallenge`.',
  fields: (t) => ({
    challengeToken: t.exposeString('challengeToken', { description: 'Goes with the code.' }),
    expiresAt: t.expose('expiresAt', { description: 'Until when the code must come.', type: 'DateTime' }),
    methods: t.expose('methods', { description: 'What will do.', type: [MfaMethod] }),
  }),
});

plainRefusal(errors.RefreshRaced, 'Another tab refreshed first. Use its tokens; this is no reason to sign out.');
plainRefusal(errors.OAuthFailed, 'The other provider did not vouch for the person.');
plainRefusal(errors.LastOwner, 'Someone must remain who owns the organization.');
plainRefusal(errors.LastSignInMethod, 'There would be no way left to sign in.');
plainRefusal(errors.InvalidCredentials, 'Address or password is not right; which of them is not told.');
plainRefusal(errors.EmailNotVerified, 'The password is right, the address is not confirmed yet.');
plainRefusal(errors.InvalidToken, 'Unknown, used, expired or replaced: which of them is not told.');
plainRefusal(errors.SessionEnded, 'The session is over: sign in again.');

function plainRefusal(type: new () => errors.AppError, description: string) {
  builder.objectType(type, { name: type.name, description, interfaces: [ErrorInterface] });
}
