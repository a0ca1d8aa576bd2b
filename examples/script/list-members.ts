import { graphql } from './generated/gql.ts';
import type { ListMembersQuery } from './generated/graphql.ts';
import { request } from './request.ts';

const ListMembers = graphql(`
  query ListMembers($slug: String!, $after: String) {
    organization(slug: $slug) {
      name
      members(first: 100, after: $after) {
        pageInfo { hasNextPage endCursor }
        edges { node { role user { name email } } }
      }
    }
  }
`);

type Members = NonNullable<ListMembersQuery['organization']>['members'];

/** Asks for one page after the other, until there is none. */
async function* pagesOf(slug: string): AsyncGenerator<Members> {
  const { GATEHOUSE_URL: url = 'http://127.0.0.1:4000', GATEHOUSE_API_KEY: token = '' } = process.env;
  let page: Members | undefined;
  while (!page || page.pageInfo.hasNextPage) {
    const variables = { slug, after: page?.pageInfo.endCursor };
    const answer: ListMembersQuery = await request({ url, token }, ListMembers, variables);
    if (!answer.organization) throw new Error(`There is no organization "${slug}" that this key may see.`);
    page = answer.organization.members;
    yield page;
  }
}

const [slug] = process.argv.slice(2);
if (!slug) throw new Error('Usage: node examples/script/list-members.ts <slug of the organization>');
for await (const { edges } of pagesOf(slug)) {
  for (const { node } of edges) console.log([node.role, node.user.name, node.user.email].join('\t'));
}
