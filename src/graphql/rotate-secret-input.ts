import { builder } from './builder.ts';

/** The input of whatever replaces a secret. */
export const RotateSecretInput = builder.inputType('RotateSecretInput', {
  description: 'Which secret to replace, and how.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'TypeID of what has the secret.' }),
    overlapHours: t.int({
      required: true,
      defaultValue: 24,
      description: 'How long the old secret still works, 0–168. 0 ends it now.',
    }),
  }),
});
