import { InvalidToken, ValidationFailed } from '../../errors.ts';
import { builder } from '../../graphql/builder.ts';
import { register } from './accounts.service.ts';
import { resendVerificationEmail, verifyEmail } from './verification.service.ts';

/** A success that tells no more than the address. */
export const addressed = (name: string, description: string) =>
  builder.objectRef<{ email: string }>(name).implement({
    description,
    fields: (t) => ({ email: t.exposeString('email', { description: 'The address, in lower case.' }) }),
  });

const RegistrationPending = addressed(
  'RegistrationPending',
  'The same answer whether the address was new or not; the e-mail tells them apart.',
);
export const EmailVerified = addressed('EmailVerified', 'The address is confirmed, and the one to sign in with.');
export const Accepted = addressed('Accepted', 'If there is something to mail to this address, it is on its way.');

const RegisterInput = builder.inputType('RegisterInput', {
  description: 'A new account.',
  fields: (t) => ({
    email: t.string({ required: true, description: 'Where the confirmation is mailed to.' }),
    password: t.string({ required: true, description: 'At least 15 characters of any kind.' }),
    name: t.string({ required: true, description: 'What the person is called.' }),
    invitationToken: t.string({ description: 'Joins that organization instead of making one.' }),
  }),
});

builder.mutationField('register', (t) =>
  t.field({
    description: 'Makes an account with an organization of its own and mails a link to confirm the address.',
    type: builder.errorUnion('RegisterResult', {
      description: 'What became of a registration.',
      types: [RegistrationPending, ValidationFailed, InvalidToken],
      resolveType: () => 'RegistrationPending',
    }),
    authScopes: { public: true },
    args: { input: t.arg({ type: RegisterInput, required: true, description: 'The form.' }) },
    resolve: (_root, { input }, ctx) => register(ctx, input),
  }),
);

export const VerifyEmailInput = builder.inputType('VerifyEmailInput', {
  description: 'The token of a mailed link.',
  fields: (t) => ({ token: t.string({ required: true, description: '`token` of the link.' }) }),
});

export const VerifyEmailResult = builder.errorUnion('VerifyEmailResult', {
  description: 'What became of a confirmation.',
  types: [EmailVerified, InvalidToken],
  resolveType: () => 'EmailVerified',
});

builder.mutationField('verifyEmail', (t) =>
  t.field({
    description: 'Confirms an address. The token works once, for 24 hours, until a newer one is mailed.',
    type: VerifyEmailResult,
    authScopes: { public: true },
    args: { input: t.arg({ type: VerifyEmailInput, required: true, description: 'The token.' }) },
    resolve: (_root, { input }, ctx) => verifyEmail(ctx, input),
  }),
);

export const EmailInput = builder.inputType('EmailInput', {
  description: 'An address.',
  fields: (t) => ({ email: t.string({ required: true, description: 'In any case.' }) }),
});

export const AcceptedResult = builder.errorUnion('AcceptedResult', {
  description: 'What became of a request for a mail.',
  types: [Accepted, ValidationFailed],
  resolveType: () => 'Accepted',
});

builder.mutationField('resendVerificationEmail', (t) =>
  t.field({
    description: 'Mails a new confirmation link. The answer is the same for every address.',
    type: AcceptedResult,
    authScopes: { public: true },
    args: { input: t.arg({ type: EmailInput, required: true, description: 'The address.' }) },
    resolve: (_root, { input }, ctx) => resendVerificationEmail(ctx, input),
  }),
);
