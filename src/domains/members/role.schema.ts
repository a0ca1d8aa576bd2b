import { builder } from '../../graphql/builder.ts';

export const Role = builder.enumType('Role', {
  description: 'What a member may do.',
  values: {
    OWNER: { description: 'Everything, the end of the organization and its money included.' },
    ADMIN: { description: 'Runs the organization: people, keys, webhooks.' },
    MEMBER: { description: 'Works in it.' },
  },
});
