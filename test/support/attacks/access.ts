import { encodeId } from '../../../src/platform/typeid.ts';
import { allThatIsSeen, idsIn } from '../all-ids.ts';
import { connected } from '../raw-socket.ts';
import { type Arena, type Attack, codesOf, echo, kinds, sdl, uuidOf } from './arena.ts';

const node = 'query ($id: ID!) { node(id: $id) { __typename id } }';

async function victimIds({ owner, organizationId, fileId, upload, key }: Arena): Promise<string[]> {
  return [...idsIn(await allThatIsSeen(owner, sdl, organizationId)), fileId, upload.id, key.id];
}

const asMember: [name: string, call: (arena: Arena) => string][] = [
  ['inviteMember', ({ organizationId }) => `input: { organizationId: "${organizationId}", email: "x@example.com" }`],
  ['updateOrganization', ({ organizationId }) => `input: { id: "${organizationId}", name: "${echo}" }`],
  ['deleteOrganization', ({ organizationId }) => `input: { id: "${organizationId}" }`],
  ['exportAuditLog', ({ organizationId }) => `input: { organizationId: "${organizationId}" }`],
  ['revokeApiKey', ({ key }) => `input: { id: "${key.id}" }`],
  ['createBillingPortalSession', ({ organizationId }) => `input: { id: "${organizationId}" }`],
  ['abortUpload', ({ upload }) => `input: { id: "${upload.id}" }`],
];

export const accessAttacks: readonly Attack[] = [
  {
    category: 'API1 object level authorization',
    name: 'an outsider asks node() for every id that the victim can see',
    safe: ['200 null'],
    async run(arena) {
      const ids = (await victimIds(arena)).filter((id) => !id.startsWith('vwr_'));
      const answers = ids.map((id) => arena.ask(node, { as: arena.mallory, variables: { id } }));
      return ids.length > 8 ? kinds(await Promise.all(answers)) : `only ${ids.length} ids`;
    },
  },
  {
    category: 'API1 object level authorization',
    name: 'an outsider asks nodes() for all of them at once, mixed with their own',
    safe: ['200', true],
    async run(arena) {
      const ids = (await victimIds(arena)).filter((id) => !id.startsWith('vwr_')).slice(0, 60);
      const query = 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }';
      const { status, data } = await arena.mallory.send<{ nodes: ({ id: string } | null)[] }, object>(query, {
        ids: [...ids, arena.mallory.organizationId],
      });
      return [String(status), data.nodes.slice(0, -1).every((one) => one === null) && data.nodes.at(-1) !== null];
    },
  },
  {
    category: 'API1 object level authorization',
    name: 'an outsider calls every mutation about a thing of the victim',
    safe: ['200 NOT_FOUND'],
    run: async ({ ask, mallory, callsAboutVictim }) =>
      kinds(await Promise.all(callsAboutVictim.map((call) => ask(call, { as: mallory })))),
  },
  {
    category: 'API1 object level authorization',
    name: 'an outsider names the victim’s organization in the header and in the query',
    safe: ['404 NOT_FOUND', '200 null', '200 null'],
    run: async ({ ask, mallory, organizationId, owner }) => [
      await ask('{ viewer { id } }', { as: mallory, headers: { 'x-organization-id': organizationId } }),
      await ask(`{ organization(id: "${organizationId}") { name } }`, { as: mallory }),
      await ask(`{ user(id: "${owner.id}") { name email } }`, { as: mallory }),
    ],
  },
  {
    category: 'API1 object level authorization',
    name: 'an id under a forged prefix leads to another kind of thing',
    safe: ['200 null'],
    async run({ ask, owner, mallory, fileId }) {
      const suffix = fileId.slice('fil_'.length);
      const forged = ['org', 'usr', 'upl', 'key', 'mem', 'ses'].map((prefix) => `${prefix}_${suffix}`);
      const answers = [owner, mallory].flatMap((as) => forged.map((id) => ask(node, { as, variables: { id } })));
      return kinds(await Promise.all(answers));
    },
  },
  {
    category: 'API1 object level authorization',
    name: 'an outsider subscribes to the victim’s upload',
    safe: ['NOT_FOUND'],
    async run({ app, mallory, upload }) {
      const client = await connected(app.url, { authorization: `Bearer ${mallory.accessToken}` });
      const query = `subscription { uploadProgress(id: "${upload.id}") { id } }`;
      client.send({ id: 's', type: 'subscribe', payload: { query } });
      const { payload } = await client.next();
      client.socket.terminate();
      return codesOf(payload);
    },
  },
  {
    category: 'API5 function level authorization',
    name: 'a member calls what is for admins and owners',
    safe: ['200 FORBIDDEN'],
    run: async (arena) =>
      kinds(
        await Promise.all(
          asMember.map(([name, call]) =>
            arena.ask(`mutation { ${name}(${call(arena)}) { __typename } }`, { as: arena.member }),
          ),
        ),
      ),
  },
  {
    category: 'API5 function level authorization',
    name: 'a member makes themselves owner',
    safe: '200 FORBIDDEN',
    async run({ app, ask, member, organizationId }) {
      const where = { organizationId: uuidOf(organizationId), user: { email: member.email } };
      const { id } = await app.platform.db.membership.findFirstOrThrow({ where });
      const input = `{ membershipId: "${encodeId('Membership', id)}", role: OWNER }`;
      return ask(`mutation { changeMemberRole(input: ${input}) { __typename } }`, { as: member });
    },
  },
  {
    category: 'API5 function level authorization',
    name: 'an owner calls what is for superusers',
    safe: ['200 FORBIDDEN'],
    run: async ({ ask, owner, mallory }) =>
      kinds([
        await ask('{ admin { users { totalCount } } }', { as: owner }),
        await ask(`mutation { lockUser(input: { id: "${mallory.id}" }) { __typename } }`, { as: owner }),
        await ask('mutation { retryDeadLetter(input: { id: "dlt_x" }) { __typename } }', { as: owner }),
      ]),
  },
  {
    category: 'API5 function level authorization',
    name: 'an API key with every scope acts on the account of its maker',
    safe: ['200 FORBIDDEN'],
    run: async ({ ask, key }) =>
      kinds(
        await Promise.all(
          [
            'updateProfile(input: { name: "x" })',
            'changePassword(input: { currentPassword: "x", newPassword: "y" })',
            'changeEmail(input: { newEmail: "mallory@example.com" })',
            'beginTotpEnrollment',
            'revokeOtherSessions',
            'deleteAccount',
            'logout',
          ].map((call) => ask(`mutation { ${call} { __typename } }`, { as: key })),
        ),
      ),
  },
  {
    category: 'API3 object property level authorization',
    name: 'a form carries fields that nobody may set',
    safe: ['400 BAD_USER_INPUT', '400 GRAPHQL_VALIDATION_FAILED'],
    run: async ({ ask, owner }) =>
      kinds([
        await ask('mutation ($input: UpdateProfileInput!) { updateProfile(input: $input) { __typename } }', {
          as: owner,
          variables: { input: { name: 'Olga', isSuperuser: true, id: echo } },
        }),
        await ask('mutation ($input: RegisterInput!) { register(input: $input) { __typename } }', {
          variables: {
            input: { email: 'm@example.com', password: echo, name: 'M', emailVerifiedAt: '2026-01-01', role: 'OWNER' },
          },
        }),
        await ask('mutation { updateProfile(input: { name: "Olga", isSuperuser: true }) { __typename } }', {
          as: owner,
        }),
      ]),
  },
  {
    category: 'API3 object property level authorization',
    name: 'a query asks for columns that are no fields',
    safe: ['400 GRAPHQL_VALIDATION_FAILED'],
    run: async ({ ask, owner, organizationId }) =>
      kinds(
        await Promise.all(
          [
            '{ viewer { passwordHash } }',
            '{ viewer { user { passwordHash isSuperuser } } }',
            `{ organization(id: "${organizationId}") { apiKeys { edges { node { digest secret } } } } }`,
            `{ organization(id: "${organizationId}") { webhookEndpoints { edges { node { secret } } } } }`,
          ].map((query) => ask(query, { as: owner })),
        ),
      ),
  },
];
