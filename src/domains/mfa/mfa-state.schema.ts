import { builder } from '../../graphql/builder.ts';
import type { MfaState } from './second-factor.service.ts';

export const Mfa = builder.objectRef<MfaState>('Mfa').implement({
  description: 'The second factor of the signed-in person.',
  fields: (t) => ({
    totpEnabled: t.boolean({
      description: 'Whether an authenticator is confirmed.',
      resolve: ({ totpConfirmedAt }) => totpConfirmedAt !== null,
    }),
    totpConfirmedAt: t.expose('totpConfirmedAt', { description: 'Since when.', type: 'DateTime', nullable: true }),
    backupCodesRemaining: t.exposeInt('backupCodesRemaining', { description: 'How many are not used yet.' }),
    satisfied: t.exposeBoolean('satisfied', { description: 'True when this session has passed a second factor.' }),
  }),
});
