import { InvalidCredentials, InvalidToken, ValidationFailed } from '../../errors.ts';
import { builder } from '../../graphql/builder.ts';
import { AcceptedResult, addressed, EmailInput } from './accounts.schema.ts';
import { changePassword } from './password-change.service.ts';
import { requestPasswordReset, resetPassword } from './recovery.service.ts';

const PasswordChanged = addressed('PasswordChanged', 'The new password is the one to sign in with.');

builder.mutationField('requestPasswordReset', (t) =>
  t.field({
    description: 'Mails a link to choose a new password. The answer is the same for every address.',
    type: AcceptedResult,
    authScopes: { public: true },
    args: { input: t.arg({ type: EmailInput, required: true, description: 'The address.' }) },
    resolve: (_root, { input }, ctx) => requestPasswordReset(ctx, input),
  }),
);

const newPassword = 'At least 15 characters of any kind, and not the present one.';

const ResetPasswordInput = builder.inputType('ResetPasswordInput', {
  description: 'A new password, and the link that allows it.',
  fields: (t) => ({
    token: t.string({ required: true, description: '`token` of the mailed link.' }),
    newPassword: t.string({ required: true, description: newPassword }),
  }),
});

builder.mutationField('resetPassword', (t) =>
  t.field({
    description:
      'Sets a new password and ends all sessions. Signs nobody in. The token works once, for an hour, until a newer one is mailed; a password that is not acceptable does not use it up.',
    type: builder.errorUnion('ResetPasswordResult', {
      description: 'What became of resetPassword.',
      types: [PasswordChanged, InvalidToken, ValidationFailed],
      resolveType: () => 'PasswordChanged',
    }),
    authScopes: { public: true },
    args: { input: t.arg({ type: ResetPasswordInput, required: true, description: 'Token and password.' }) },
    resolve: (_root, { input }, ctx) => resetPassword(ctx, input),
  }),
);

const ChangePasswordInput = builder.inputType('ChangePasswordInput', {
  description: 'The old password for a new one.',
  fields: (t) => ({
    currentPassword: t.string({ required: true, description: 'As typed.' }),
    newPassword: t.string({ required: true, description: newPassword }),
  }),
});

builder.mutationField('changePassword', (t) =>
  t.field({
    description:
      'Changes the caller’s password and ends their other sessions. Who has none yet sets one by resetPassword.',
    type: builder.errorUnion('ChangePasswordResult', {
      description: 'What became of changePassword.',
      types: [PasswordChanged, InvalidCredentials, ValidationFailed],
      resolveType: () => 'PasswordChanged',
    }),
    authScopes: { signedIn: true },
    args: { input: t.arg({ type: ChangePasswordInput, required: true, description: 'Both passwords.' }) },
    resolve: (_root, { input }, ctx) => changePassword(ctx, input),
  }),
);
