import { builder } from '../../graphql/builder.ts';
import { deviceLabel } from '../../platform/device-label.ts';
import { nilId } from '../../platform/typeid.ts';

const LoginMethod = builder.enumType('LoginMethod', {
  description: 'How a person proved who they are.',
  values: {
    PASSWORD: { description: 'With a password of their own.' },
    OAUTH: { description: 'Through another provider.' },
  },
});

export const Session = builder.prismaNode('Session', {
  description: 'One sign-in on one device. Only its own person sees it.',
  id: { field: 'id' },
  nullable: true,
  findUnique: (id, { actor }) => ({ id, userId: actor.kind === 'user' ? actor.userId : nilId }),
  select: { id: true },
  fields: (t) => ({
    isCurrent: t.boolean({
      description: 'Whether it is the session of this request.',
      resolve: ({ id }, _args, { actor }) => actor.kind === 'user' && actor.sessionId === id,
    }),
    createdAt: t.expose('createdAt', { description: 'When the person signed in.', type: 'DateTime' }),
    lastSeenAt: t.expose('lastSeenAt', { description: 'When it was last refreshed.', type: 'DateTime' }),
    expiresAt: t.field({
      description: 'When it ends unless it is refreshed before, at most 30 days after the sign-in.',
      type: 'DateTime',
      select: { expiresAt: true, idleExpiresAt: true },
      resolve: ({ expiresAt, idleExpiresAt }) => (idleExpiresAt < expiresAt ? idleExpiresAt : expiresAt),
    }),
    method: t.expose('method', { description: 'How the person signed in.', type: LoginMethod }),
    mfaSatisfiedAt: t.expose('mfaSatisfiedAt', {
      description: 'When it passed a second factor; null when it has not.',
      type: 'DateTime',
      nullable: true,
    }),
    ipAddress: t.exposeString('ipAddress', { description: 'Where it was last seen.', nullable: true }),
    device: t.string({
      description: 'For people: Firefox on Linux.',
      select: { userAgent: true },
      resolve: ({ userAgent }) => deviceLabel(userAgent),
    }),
    userAgent: t.exposeString('userAgent', { description: 'What the device said of itself.', nullable: true }),
  }),
});
