import { aFile } from '../files.ts';
import { mailsTo, waitForMail } from '../mailbox.ts';
import { anAddress } from '../world.ts';
import { type Arena, type Attack, echo, kinds } from './arena.ts';

const newAccount = [
  'users',
  'organizations',
  'memberships',
  'quota_limits',
  'storage_usages',
  'audit_entries',
  'audit_heads',
];
const register = 'mutation ($input: RegisterInput!) { register(input: $input) { ... on Error { code } } }';
const form = (email: string) => ({ input: { email, password: 'correct horse battery staple', name: 'Mallory' } });

/** How many files a search of the victim’s own finds: of what they may see anyway. */
async function found({ owner, organizationId }: Arena, search: string): Promise<number | string> {
  const query = 'query ($id: ID!, $search: String) { organization(id: $id) { files(search: $search) { totalCount } } }';
  const { data, codes } = await owner.send<{ organization: { files: { totalCount: number } } }, object>(query, {
    id: organizationId,
    search,
  });
  return codes[0] ?? data.organization.files.totalCount;
}

export const inputAttacks: readonly Attack[] = [
  {
    category: 'GraphQL injection',
    name: 'SQL in a search',
    safe: [0],
    run: async (arena) => {
      const texts = [
        "' OR '1'='1",
        "x'; DROP TABLE files; --",
        '") OR true --',
        "\\' OR 1=1 --",
        '$1',
        "plans' || pg_sleep(9) || '",
      ];
      return [...new Set(await Promise.all(texts.map((text) => found(arena, text))))];
    },
  },
  {
    category: 'GraphQL injection',
    name: 'SQL in ids, slugs and cursors',
    safe: ['200 BAD_USER_INPUT', '200 null'],
    async run({ ask, owner }) {
      const text = `${echo}' OR '1'='1' --`;
      const queries = [
        'query ($x: ID!) { node(id: $x) { id } }',
        'query ($x: ID!) { organization(id: $x) { id } }',
        'query ($x: String!) { organization(slug: $x) { id } }',
        'query ($x: String!) { viewer { memberships(after: $x) { totalCount } } }',
      ];
      return kinds(await Promise.all(queries.map((query) => ask(query, { as: owner, variables: { x: text } }))));
    },
  },
  {
    category: 'GraphQL injection',
    name: 'wildcards of LIKE in a search stand for themselves',
    safe: [0, 0, 0, 0, 1],
    run: async (arena) => Promise.all(['%', '_', 'pl%s', 'plan_', 'PLANS'].map((text) => found(arena, text))),
  },
  {
    category: 'GraphQL injection',
    name: 'keys that reach into the prototype: __proto__, constructor, prototype',
    safe: [['400 BAD_USER_INPUT'], undefined, undefined],
    async run({ post }) {
      const query = 'mutation ($input: LoginInput!) { login(input: $input) { __typename } }';
      const bodies = ['"__proto__":{"polluted":true}', '"constructor":{"prototype":{"polluted":true}}'].map(
        (key) =>
          `{"query":${JSON.stringify(query)},"variables":{"input":{"email":"a@example.com","password":"x",${key}},${key}},${key}}`,
      );
      const answers = await Promise.all(bodies.map((body) => post(body)));
      return [kinds(answers), ({} as { polluted?: boolean }).polluted, Reflect.get(Object.prototype, 'polluted')];
    },
  },
  {
    category: 'GraphQL injection',
    name: 'bytes that are no UTF-8, NUL and lone surrogates, wherever a text goes',
    safe: ['200 BAD_USER_INPUT', '200 VALIDATION_FAILED', '200 null', '400 BAD_USER_INPUT', '400 GRAPHQL_PARSE_FAILED'],
    async run({ post, ask, owner, organizationId }) {
      const bad = Buffer.from([0xff, 0xc0, 0xaf]);
      const broken = Buffer.concat([Buffer.from('{"query":"{ __typename '), bad, Buffer.from('}"}')]);
      const list = (field: string) => `organization(id: "${organizationId}") { ${field}(search: $x) { totalCount } }`;
      const documents = [
        'query ($x: ID!) { node(id: $x) { id } }',
        'query ($x: String!) { organization(slug: $x) { id } }',
        ...['members', 'files'].map((field) => `query ($x: String!) { ${list(field)} }`),
        'mutation ($x: String!) { updateProfile(input: { name: $x }) { ... on Error { code } } }',
        'mutation ($x: String!) { createOrganization(input: { name: $x }) { ... on Error { code } } }',
        `mutation ($x: String!) { createUpload(input: { organizationId: "${organizationId}", name: "a.txt", clientKey: $x }) { __typename } }`,
      ];
      const answers = documents.map((document) => ask(document, { as: owner, variables: { x: `a\u0000b${echo}` } }));
      return kinds([
        await post(broken),
        await post(Buffer.from('{"query":"{ __typename }"}', 'utf16le')),
        await post(`{"query":"{ __typename }"}\0`),
        await ask('query ($x: String!) { organization(slug: $x) { id } }', { as: owner, variables: { x: '\ud800' } }),
        await ask(register, { variables: form('ada\u0000@example.com') }),
        ...(await Promise.all(answers)),
      ]);
    },
  },
  {
    category: 'API2 authentication',
    name: 'an address that looks like the victim’s: full width, Cyrillic, invisible signs, another case',
    safe: [['200 VALIDATION_FAILED', '200 ok'], 1],
    writes: ['audit_entries', 'audit_heads'],
    async run({ app, ask, owner }) {
      const { email } = owner;
      const wide = `\uff4f${email.slice(1)}`;
      const [cyrillic, invisible] = [`\u043e${email.slice(1)}`, `${email.slice(0, 2)}\u200b${email.slice(2)}`];
      const forms = [wide, email.toUpperCase(), cyrillic, invisible, `${email}\n`, `"${email}"`];
      const answers = [];
      for (const address of forms) answers.push(await ask(register, { variables: form(address) }));
      const rows = await app.platform.db.user.count({ where: { email: { endsWith: email.slice(1) } } });
      return [kinds(answers), rows];
    },
  },
  {
    category: 'API4 resource consumption',
    name: 'addresses that a pattern could take for ever to judge',
    safe: [['200 VALIDATION_FAILED'], true],
    async run({ ask }) {
      const since = performance.now();
      const long = 900;
      const forms = [
        `${'a'.repeat(long)}@`,
        `a@${'a-'.repeat(long / 2)}`,
        `${'a.'.repeat(long / 2)}@b`,
        `a@${'b.'.repeat(long / 2)}`,
        '@'.repeat(long),
      ];
      const answers = await Promise.all(forms.map((email) => ask(register, { variables: form(email) })));
      return [kinds(answers), performance.now() - since < 2_000];
    },
  },
  {
    category: 'API8 misconfiguration',
    name: 'a line of its own in the log: by operation name, request id, agent and header',
    safe: [true, 0],
    async run({ app, post }) {
      const line = `x\\n{\\"level\\":\\"info\\",\\"msg\\":\\"${echo}\\"}`;
      const before = app.logLines.length;
      await post(`{"query":"query A { __typename }","operationName":"${line}"}`, {
        'user-agent': `x {"msg":"forged"}`,
        'x-request-id': '{"msg":"forged"}',
        'x-organization-id': 'org_x',
      });
      await post('{"query":"{ __typename }"}', { 'x-request-id': `a"${echo}` });
      const lines = app.logLines.slice(before);
      return [lines.length >= 2, lines.filter(({ msg }) => msg === 'forged' || msg === echo).length];
    },
  },
  {
    category: 'GraphQL injection',
    name: 'a header in a file name',
    safe: [['200 VALIDATION_FAILED'], null],
    writes: ['uploads', 'files', 'storage_usages', 'egress_days', 'webhook_events', 'audit_entries', 'audit_heads'],
    async run({ ask, owner, organizationId }) {
      const open = 'mutation ($input: CreateUploadInput!) { createUpload(input: $input) { ... on Error { code } } }';
      const names = [
        'a.txt\r\nSet-Cookie: a=b',
        'a\nb.txt',
        '../../etc/passwd',
        '..\\..\\boot.ini',
        'a\u0000.txt',
        '..',
      ];
      const answers = await Promise.all(
        names.map((name) => ask(open, { as: owner, variables: { input: { organizationId, name } } })),
      );
      const id = await aFile(owner, { name: `"; filename=evil.exe; x="${'é'.repeat(20)}.txt` });
      const { data } = await owner.send<{ node: { downloadUrl: string } }, never>(
        `{ node(id: "${id}") { ... on File { downloadUrl } } }`,
      );
      const { headers } = await fetch(data.node.downloadUrl);
      const plain = /filename="([^"]*)"/.exec(headers.get('content-disposition') ?? '')?.[1] ?? '';
      return [kinds(answers), /[";\\]evil|\r|\n/.exec(plain.replaceAll(';', ''))];
    },
  },
  {
    category: 'GraphQL injection',
    name: 'a name with lines, headers, markup and a link, which goes into a mail',
    safe: ['200 VALIDATION_FAILED', '200 ok', [], 0],
    writes: [...newAccount, 'email_tokens'],
    async run({ app, ask }) {
      const named = (email: string, name: string) => ({ input: { ...form(email).input, name } });
      const [email, other] = [anAddress('mallory'), anAddress('bcc')];
      const name = `Ada\r\nBcc: ${other}\r\n\r\n<a href="http://evil.example">Win</a> http://evil.example`;
      const answers = [
        await ask(register, { variables: named(anAddress(), 'x'.repeat(5_000)) }),
        await ask(register, { variables: named(email, name) }),
      ];
      const { subject, html } = await waitForMail(app, { to: email });
      const acting = [/[\r\n]/.exec(subject)?.[0], /href="[^"]*evil/.exec(html)?.[0]].filter(Boolean);
      return [...answers, acting, (await mailsTo(app, other)).length];
    },
  },
];
