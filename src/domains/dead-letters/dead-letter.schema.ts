import { DeadLetterState as States } from '../../generated/prisma/client.ts';
import { builder } from '../../graphql/builder.ts';
import { publicMetadata } from '../../graphql/public-ids.ts';
import { User } from '../members/members.schema.ts';
import { Organization } from '../organizations/organizations.schema.ts';
import { historyOf, shownPayload, visibleDeadLetters } from './dead-letters.service.ts';

export const DeadLetterState = builder.enumType('DeadLetterState', {
  description: 'What became of a job that was given up.',
  values: {
    [States.OPEN]: { description: 'Nobody has dealt with it.' },
    [States.RETRIED]: { description: 'It went back into its queue. If it fails again, there is a new dead letter.' },
    [States.RESOLVED]: { description: 'It was filed away.' },
  },
});

const DeadLetterAttempt = builder
  .objectRef<{ attempt: number; failedAt: Date; error: string }>('DeadLetterAttempt')
  .implement({
    description: 'One attempt that failed.',
    fields: (t) => ({
      attempt: t.exposeInt('attempt', { description: 'Its number, from 1.' }),
      failedAt: t.expose('failedAt', { type: 'DateTime', description: 'When it failed.' }),
      error: t.exposeString('error', { description: 'What went wrong, and why, without secrets and addresses.' }),
    }),
  });

export const DeadLetter = builder.prismaNode('DeadLetter', {
  description: 'A job that was given up, with what it was to do and why it failed. For superusers.',
  id: { field: 'id' },
  nullable: true,
  findUnique: (id, { actor }) => ({ id, AND: visibleDeadLetters(actor) }),
  fields: (t) => ({
    queue: t.exposeString('queue', { description: 'The kind of job, `noun.verb`.' }),
    payload: t.field({
      type: 'JSON',
      description: 'What it was to work on: ids, as TypeIDs. What may not be shown is `[redacted]`.',
      select: { payload: true },
      resolve: ({ payload }) => publicMetadata(shownPayload(payload)),
    }),
    error: t.exposeString('error', { description: 'What went wrong last, and why, without secrets and addresses.' }),
    attempts: t.exposeInt('attempts', { description: 'How often it was tried.' }),
    history: t.field({
      type: [DeadLetterAttempt],
      description:
        'The attempts that failed, oldest first. One that was lost with its process takes those before it along.',
      select: { history: true },
      resolve: ({ history }) => historyOf(history),
    }),
    organization: t.relation('organization', {
      type: Organization,
      nullable: true,
      description: 'For whom it was done; null when for none, or for one that is gone.',
    }),
    state: t.expose('state', { type: DeadLetterState, description: 'What became of it.' }),
    failedAt: t.expose('failedAt', { type: 'DateTime', description: 'When it was given up.' }),
    resolvedBy: t.relation('resolvedBy', {
      type: User,
      nullable: true,
      description: 'Who retried or resolved it: always the caller that did; null while it is open.',
    }),
    resolvedAt: t.expose('resolvedAt', { type: 'DateTime', nullable: true, description: 'When that was done.' }),
    note: t.exposeString('note', { nullable: true, description: 'What they wrote down.' }),
  }),
});
