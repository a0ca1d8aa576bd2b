import { BadUserInput } from '../../errors.ts';
import { builder } from '../../graphql/builder.ts';
import { idOf } from '../../graphql/ids.ts';
import { visibleOrganizations } from '../members/members.access.ts';

export const Organization = builder.prismaNode('Organization', {
  description: 'A tenant: people, and all that is theirs together.',
  id: { field: 'id' },
  nullable: true,
  findUnique: (id, { actor }) => ({ id, AND: visibleOrganizations(actor) }),
  select: { id: true },
  fields: (t) => ({
    name: t.exposeString('name', { description: 'What it is called.' }),
    slug: t.exposeString('slug', { description: 'Its name in URLs, unique in the whole installation.' }),
    createdAt: t.expose('createdAt', { description: 'When it was made.', type: 'DateTime' }),
    requiresMfa: t.exposeBoolean('requiresMfa', {
      description: 'Members must have a second factor to use this organization.',
    }),
  }),
});

builder.queryField('organization', (t) =>
  t.prismaField({
    description: 'By id or by slug, one of the two. Null unless the caller is a member, or a superuser.',
    type: Organization,
    nullable: true,
    authScopes: { public: true },
    args: {
      id: t.arg.id({ description: 'org_…' }),
      slug: t.arg.string({ description: 'Its name in URLs.' }),
    },
    resolve: (query, _root, { id, slug }, { db, actor }) => {
      if ((id == null) === (slug == null)) throw new BadUserInput('Give either `id` or `slug`.');
      const key = id != null ? { id: idOf('Organization', id) } : { slug: slug ?? '' };
      return db.organization.findUnique({ ...query, where: { ...key, AND: visibleOrganizations(actor) } });
    },
  }),
);
