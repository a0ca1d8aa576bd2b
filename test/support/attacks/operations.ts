import { type Attack, echo, kinds, times } from './arena.ts';

const nested = (levels: number) => `{ viewer ${'{ user '.repeat(levels)} { id } ${'}'.repeat(levels)} }`;
const tooComplex = '400 OPERATION_TOO_COMPLEX';
const invalid = '400 GRAPHQL_VALIDATION_FAILED';

/** Documents that cost more to answer than to send, each by itself. */
const heavy: [name: string, query: string, safe: string][] = [
  ['a field thirty levels deep', nested(30), tooComplex],
  ['the same depth behind fragments', `{ ...A } fragment A on Query ${nested(30)}`, tooComplex],
  ['a thousand aliases of one field', `{ ${times(1_000, (n) => `a${n}: viewer { id }`)} }`, tooComplex],
  ['one field five hundred times side by side', `{ ${times(500, () => '__typename')} }`, tooComplex],
  ['a fragment that spreads itself', '{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }', invalid],
  [
    'fragments that double eight times',
    `{ ...F0 } ${times(8, (n) => `fragment F${n} on Query { a: viewer { id } ...F${n + 1} b: viewer { id } ...F${n + 1} }`)} fragment F8 on Query { c: viewer { id } }`,
    tooComplex,
  ],
  ['two hundred directives on one field', `{ __typename ${times(200, () => '@include(if: true)')} }`, tooComplex],
  ['unknown directives', `{ __typename ${times(9, (n) => `@unknown${n}`)} }`, invalid],
  [
    'pages within pages',
    '{ viewer { memberships(first: 100) { edges { node { organization { members(first: 100) { edges { node { organization { members(first: 100) { edges { cursor } } } } } } } } } } } }',
    tooComplex,
  ],
  ['nodes() with a thousand ids', `{ nodes(ids: [${times(1_000, () => '"org_x"')}]) { id } }`, tooComplex],
  [
    'a literal list of lists, two thousand deep',
    `{ node(id: ${'['.repeat(2_000)}${']'.repeat(2_000)}) { id } }`,
    tooComplex,
  ],
  [
    'a hundred operations in one document',
    `${times(100, (n) => `query Q${n} { viewer { id } }`)}`,
    '400 BAD_USER_INPUT',
  ],
];

const heavyAttacks: readonly Attack[] = heavy.map(([name, query, safe]) => ({
  category: 'GraphQL denial of service',
  name,
  safe: [safe, true],
  async run({ ask, owner }) {
    const since = performance.now();
    return [await ask(query, { as: owner }), performance.now() - since < 5_000];
  },
}));

export const operationAttacks: readonly Attack[] = [
  ...heavyAttacks,
  {
    category: 'GraphQL batching',
    name: 'an array of fifty operations in one body',
    safe: '400 BAD_USER_INPUT',
    run: ({ post }) => post(JSON.stringify(Array.from({ length: 50 }, () => ({ query: '{ __typename }' })))),
  },
  {
    category: 'API4 resource consumption',
    name: 'pages of a million, of none and of minus one',
    safe: ['200 BAD_USER_INPUT', '400 BAD_USER_INPUT', '400 GRAPHQL_VALIDATION_FAILED'],
    async run({ ask, owner, organizationId }) {
      const list = (size: string) =>
        `{ organization(id: "${organizationId}") { members(first: ${size}) { totalCount } } }`;
      const sizes = ['1000000', '0', '-1', '99999999999999999999', '1e9', `"${echo}"`];
      const answers = [...(await Promise.all(sizes.map((size) => ask(list(size), { as: owner }))))];
      const query = 'query ($n: Int) { viewer { memberships(first: $n) { totalCount } } }';
      answers.push(await ask(query, { as: owner, variables: { n: 2 ** 40 } }));
      return kinds(answers);
    },
  },
  {
    category: 'API9 inventory',
    name: 'the schema is asked for where introspection is off',
    safe: ['400 GRAPHQL_VALIDATION_FAILED'],
    run: async ({ ask, strict, owner }) =>
      kinds(
        await Promise.all(
          [
            '{ __schema { types { name } } }',
            '{ __type(name: "User") { name } }',
            '{ ...A } fragment A on Query { s: __schema { queryType { name } } }',
          ].map((query) => ask(query, { as: owner, url: strict.url })),
        ),
      ),
  },
  {
    category: 'API9 inventory',
    name: 'the schema is guessed by near misses where introspection is off',
    safe: ['400 GRAPHQL_VALIDATION_FAILED', false],
    async run({ ask, strict, heard }) {
      const from = heard.length;
      const queries = ['{ viewr { id } }', '{ node(idd: "x") { id } }', '{ node(id: "x") { ... on Usr { id } } }'];
      const answers = await Promise.all(queries.map((query) => ask(query, { url: strict.url })));
      return [...kinds(answers), /did you mean/i.test(heard.slice(from).join())];
    },
  },
  {
    category: 'API9 inventory',
    name: 'pages of development and of tools are looked for where they are off',
    safe: ['404'],
    run: async ({ request, strict }) =>
      kinds(
        await Promise.all(
          [
            '/graphiql',
            '/playground',
            '/altair',
            '/voyager',
            '/metrics',
            '/.env',
            '/.git/config',
            '/api/graphql',
            '/v1/graphql',
            '/server-status',
          ].map((path) => request(strict.url + path, { headers: { accept: 'text/html' } })),
        ),
      ).map((answer) => answer.slice(0, 3)),
  },
  {
    category: 'GraphQL denial of service',
    name: 'variables ten thousand levels deep',
    safe: '400 BAD_USER_INPUT',
    run: ({ post }) =>
      post(
        `{"query":"query ($id: ID!) { node(id: $id) { id } }","variables":{"id":${'['.repeat(10_000)}${']'.repeat(10_000)}}}`,
      ),
  },
  {
    category: 'GraphQL denial of service',
    name: 'a JSON scalar that nests where a text belongs',
    safe: '400 BAD_USER_INPUT',
    run: ({ ask }) => {
      const email = Array.from({ length: 500 }).reduce((inner) => ({ [echo]: inner }), {});
      const input = { email, password: echo };
      return ask('mutation ($input: LoginInput!) { login(input: $input) { __typename } }', { variables: { input } });
    },
  },
  {
    category: 'GraphQL denial of service',
    name: 'a subscription where no stream can be',
    safe: '406 BAD_USER_INPUT',
    run: ({ ask, owner }) => ask('subscription { notifications { cursor } }', { as: owner }),
  },
];
