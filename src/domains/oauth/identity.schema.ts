import { builder } from '../../graphql/builder.ts';
import { nilId } from '../../platform/typeid.ts';

export const Identity = builder.prismaNode('Identity', {
  description: 'A way to sign in through another provider. Only its own person sees it.',
  id: { field: 'id' },
  nullable: true,
  findUnique: (id, { actor }) => ({ id, userId: actor.kind === 'user' ? actor.userId : nilId }),
  fields: (t) => ({
    provider: t.exposeString('provider', { description: 'The id of one of `oauthProviders`.' }),
    email: t.exposeString('email', { description: 'The address there when it was linked.', nullable: true }),
    createdAt: t.expose('createdAt', { description: 'When it was linked.', type: 'DateTime' }),
  }),
});
