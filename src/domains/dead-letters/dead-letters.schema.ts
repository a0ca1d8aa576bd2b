import { queryFromInfo } from '@pothos/plugin-prisma';
import { Conflict, ValidationFailed } from '../../errors.ts';
import type { DeadLetter as Row } from '../../generated/prisma/client.ts';
import { builder } from '../../graphql/builder.ts';
import { idOf } from '../../graphql/ids.ts';
import { connectionType, paginate } from '../../graphql/pagination.ts';
import { Admin } from '../admin/admin.schema.ts';
import { DeadLetter, DeadLetterState } from './dead-letter.schema.ts';
import { countDeadLetters, deadLettersOf, resolveDeadLetter, retryDeadLetter } from './dead-letters.service.ts';

const superuserScopes = { superuser: true, mfaSatisfied: true };

const DeadLetterConnection = connectionType('DeadLetter', DeadLetter);

const DeadLetterCount = builder.objectRef<Awaited<ReturnType<typeof countDeadLetters>>[number]>('DeadLetterCount');
DeadLetterCount.implement({
  description: 'How many dead letters there are of one kind of job in one state.',
  fields: (t) => ({
    queue: t.exposeString('queue', { description: 'The kind of job.' }),
    state: t.expose('state', { type: DeadLetterState, description: 'The state.' }),
    count: t.exposeInt('count', { description: 'How many, never 0.' }),
  }),
});

builder.objectFields(Admin, (t) => ({
  deadLetters: t.field({
    type: DeadLetterConnection,
    description: 'The jobs that were given up, newest first.',
    args: {
      ...t.arg.connectionArgs(),
      state: t.arg({ type: DeadLetterState, description: 'Only those in this state.' }),
      queue: t.arg.string({ description: 'Only those of this kind of job.' }),
    },
    resolve: (_admin, args, ctx, info) => {
      const query = queryFromInfo({ context: ctx, info, typeName: 'DeadLetter', path: ['edges', 'node'] });
      return paginate(ctx, args, deadLettersOf(ctx, args, query));
    },
  }),
  deadLetterCounts: t.field({
    type: [DeadLetterCount],
    description: 'How many there are, by kind of job and state.',
    resolve: (_admin, _args, ctx) => countDeadLetters(ctx),
  }),
}));

const DeadLetterInput = builder.inputType('DeadLetterInput', {
  description: 'A dead letter to deal with. Who does it is the caller.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'Which one, dlq_….' }),
    note: t.string({ description: 'Why; at most 1,000 characters.' }),
  }),
});

const DeadLetterHandled = builder.objectRef<Row>('DeadLetterHandled').implement({
  description: 'It is dealt with, by the caller.',
  fields: (t) => ({
    deadLetter: t.prismaField({
      type: DeadLetter,
      description: 'As it is now.',
      resolve: (query, { id }, _args, { db }) => db.deadLetter.findUniqueOrThrow({ ...query, where: { id } }),
    }),
  }),
});

const DeadLetterResult = builder.errorUnion('DeadLetterResult', {
  description: 'What became of dealing with a dead letter.',
  types: [DeadLetterHandled, Conflict, ValidationFailed],
  resolveType: () => 'DeadLetterHandled',
});

builder.mutationField('retryDeadLetter', (t) =>
  t.field({
    description: 'Puts the job back into its queue, once. Superusers.',
    type: DeadLetterResult,
    authScopes: superuserScopes,
    args: { input: t.arg({ type: DeadLetterInput, required: true, description: 'Which one, and why.' }) },
    resolve: (_root, { input: { id, note } }, ctx) =>
      retryDeadLetter(ctx, { deadLetterId: idOf('DeadLetter', id), note }),
  }),
);

builder.mutationField('resolveDeadLetter', (t) =>
  t.field({
    description: 'Files it away; nothing more is done about it. Superusers.',
    type: DeadLetterResult,
    authScopes: superuserScopes,
    args: { input: t.arg({ type: DeadLetterInput, required: true, description: 'Which one, and why.' }) },
    resolve: (_root, { input: { id, note } }, ctx) =>
      resolveDeadLetter(ctx, { deadLetterId: idOf('DeadLetter', id), note }),
  }),
);

builder.subscriptionField('deadLetters', (t) =>
  t.prismaField({
    description: 'Jobs as they are given up, from now on; those before are in `admin.deadLetters`. Superusers.',
    type: DeadLetter,
    authScopes: superuserScopes,
    subscribe: (_root, _args, { platform }) => platform.pubsub.subscribe('deadLetters', 'all'),
    resolve: (query, event, _args, { db }) =>
      db.deadLetter.findUniqueOrThrow({ ...query, where: { id: (event as { deadLetterId: string }).deadLetterId } }),
  }),
);
