/** One kind of file in `src`, and the kinds that it may import. A leading `type ` allows what is gone at run time only. */
interface Area {
  readonly name: string;
  readonly files: RegExp;
  readonly mayImport: readonly string[];
}

const leaves = ['context', 'errors', 'platform'];
const inDomain = (role: string) => new RegExp(`^domains/[a-z-]+/[a-z-]+${role}\\.ts$`);

/** The house as data: who may import whom. The first area whose pattern fits is a file's own. */
export const areas: readonly Area[] = [
  { name: 'main', files: /^(main|welcome)\.ts$/, mayImport: ['main', 'app', 'commands', 'config', 'platform'] },
  // The page of all refusals tells what the edge answers with.
  { name: 'error docs', files: /^commands\/error-docs\.ts$/, mayImport: ['edge', 'schema root'] },
  { name: 'commands', files: /^commands\//, mayImport: ['commands', 'app', 'config', 'service', 'jobs', ...leaves] },
  { name: 'app', files: /^app\.ts$/, mayImport: ['config', 'edge', 'schema root', 'worker', 'jobs', ...leaves] },
  { name: 'config', files: /^([a-z-]+\.)?config\.ts$/, mayImport: ['config'] },
  { name: 'errors', files: /^errors\.ts$/, mayImport: [] },
  { name: 'context', files: /^context\.ts$/, mayImport: ['type platform'] },
  {
    name: 'edge',
    files: /^edge\//,
    mayImport: ['edge', 'schema root', 'graphql', 'service', 'rules', 'type config', ...leaves],
  },
  { name: 'schema root', files: /^graphql\/(schema|print)\.ts$/, mayImport: ['schema root', 'schema', 'graphql'] },
  { name: 'graphql', files: /^graphql\//, mayImport: ['graphql', 'access', 'generated', ...leaves] },
  {
    name: 'schema',
    files: inDomain('\\.schema'),
    mayImport: ['schema', 'graphql', 'service', 'access', 'generated', ...leaves],
  },
  {
    name: 'handlers',
    files: inDomain('\\.jobs'),
    mayImport: ['service', 'mail', 'jobs', 'generated', ...leaves],
  },
  {
    name: 'service',
    files: inDomain('\\.service'),
    mayImport: ['service', 'access', 'rules', 'jobs', 'generated', ...leaves],
  },
  { name: 'access', files: inDomain('\\.(access|permissions)'), mayImport: ['access', 'generated', ...leaves] },
  // What mails look like and where their links lead.
  { name: 'mail', files: /^domains\/mail\//, mayImport: ['mail', 'type config', ...leaves] },
  // One idea of a domain with a name of its own: a form of address, a policy, a token.
  { name: 'rules', files: inDomain(''), mayImport: ['rules', 'generated', ...leaves] },
  { name: 'registry', files: /^jobs\/registry\.ts$/, mayImport: ['handlers', 'jobs'] },
  { name: 'worker', files: /^jobs\/(worker|schedule)\.ts$/, mayImport: ['registry', 'jobs', ...leaves] },
  {
    name: 'jobs',
    files: /^jobs\/(queue|catalog|install|failure|metrics)\.ts$/,
    mayImport: ['jobs', 'type config', ...leaves],
  },
  {
    name: 'platform',
    files: /^platform\//,
    mayImport: ['platform', 'errors', 'generated', 'type context', 'type config'],
  },
  { name: 'generated', files: /^generated\//, mayImport: [] },
];

/** What a domain shows to the others. */
export const openToOtherDomains = ['service', 'access', 'rules', 'mail'];

/** Domains that every other one stands on: the domains that they may call, all others are above them. */
export const groundFloor: Readonly<Record<string, readonly string[]>> = {
  audit: [],
  events: [],
  notifications: [],
  quotas: ['audit', 'events', 'notifications'],
  'api-keys': ['audit', 'events', 'notifications'],
  members: ['audit', 'api-keys', 'events', 'notifications', 'quotas'],
};

/** Names that say nothing of what a file holds. */
export const drawers = [
  /(^|[-.])(utils?|helpers?|managers?|common|misc|shared|stuff)([-.]|$)/,
  /^(index|base|lib|data|info|types|constants|functions)(\.|$)/,
];

/** The files that may name a variable of the environment. */
export const environmentReaders = [
  'src/config.ts',
  'prisma.config.ts',
  // These pass the whole environment on, to `readConfig` or to a child process.
  'src/main.ts',
  'src/commands/',
];

export const sizes = { fileLines: 300, functionLines: 60, parameters: 3 };
