import { builder } from './builder.ts';

/** The input of every mutation that needs to know no more than which one. */
export const IdInput = builder.inputType('IdInput', {
  description: 'Which one.',
  fields: (t) => ({ id: t.id({ required: true, description: 'Its TypeID.' }) }),
});
