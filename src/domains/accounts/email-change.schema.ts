import { ValidationFailed } from '../../errors.ts';
import { builder } from '../../graphql/builder.ts';
import { Accepted, VerifyEmailInput, VerifyEmailResult } from './accounts.schema.ts';
import { changeEmail, confirmEmailChange } from './email-change.service.ts';

const ChangeEmailInput = builder.inputType('ChangeEmailInput', {
  description: 'A new address.',
  fields: (t) => ({
    newEmail: t.string({ required: true, description: 'Where the link to confirm it is mailed to.' }),
  }),
});

builder.mutationField('changeEmail', (t) =>
  t.field({
    description:
      'Mails a link to the new address; until it is used nothing changes. The answer is the same for an address that is taken.',
    type: builder.errorUnion('ChangeEmailResult', {
      description: 'What became of changeEmail.',
      types: [Accepted, ValidationFailed],
      resolveType: () => 'Accepted',
    }),
    authScopes: { signedIn: true, reauthenticated: true },
    args: { input: t.arg({ type: ChangeEmailInput, required: true, description: 'The address.' }) },
    resolve: (_root, { input }, ctx) => changeEmail(ctx, input),
  }),
);

builder.mutationField('confirmEmailChange', (t) =>
  t.field({
    description:
      'Moves an account to the address that the link was mailed to. The token works once, for an hour, until a newer one is mailed. Sessions go on.',
    type: VerifyEmailResult,
    authScopes: { public: true },
    args: { input: t.arg({ type: VerifyEmailInput, required: true, description: 'The token.' }) },
    resolve: (_root, { input }, ctx) => confirmEmailChange(ctx, input),
  }),
);
