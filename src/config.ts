import path from 'node:path';
import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import { insecureProviders, type OAuthConfig, oauthOf, oauthVariables } from './oauth.config.ts';
import { type FilesConfig, filesOf, storageProblems, storageVariables } from './storage.config.ts';
import { insecureStripe, type StripeConfig, stripeOf, stripeVariables } from './stripe.config.ts';
import { type TelemetryConfig, telemetryOf, telemetryVariables } from './telemetry.config.ts';

/** Everything the program takes from its environment, read once. The only place that knows `process.env`'s names. */
export interface Config {
  readonly isProduction: boolean;
  readonly server: { readonly host: string; readonly port: number };
  readonly dataDir: string;
  /** Null: an embedded PostgreSQL in `dataDir`. */
  readonly databaseUrl: string | null;
  /** Null: events and limits by address stay within each process. */
  readonly redisUrl: string | null;
  readonly publicAppUrl: string;
  /** Null: the server's own address. */
  readonly publicApiUrl: string | null;
  readonly corsOrigins: readonly string[];
  readonly trustedProxies: readonly string[];
  /** Null: generated into `dataDir`. First key is the current one. */
  readonly keyring: readonly KeyringKey[] | null;
  /** A JWKS with private keys, null: generated into `dataDir`. First key signs. */
  readonly signingKeys: { readonly keys: readonly SigningJwk[] } | null;
  /** Null: mails go to the mailbox page. */
  readonly smtpUrl: string | null;
  readonly mailFrom: string;
  readonly oauth: OAuthConfig;
  /** Null: nobody can pay. */
  readonly stripe: StripeConfig | null;
  /** Where new passwords are looked up (the API of Have I Been Pwned), null: nowhere. */
  readonly breachedPasswordsUrl: string | null;
  readonly files: FilesConfig;
  readonly graphiql: boolean;
  readonly introspection: boolean;
  /** Which documents are answered: all, all and the manifest's by id, or the manifest's alone. */
  readonly trustedDocuments: { readonly mode: 'off' | 'also' | 'only'; readonly file: string };
  /** Multiplies the limits that go by address and by recipient. */
  readonly rateLimitScale: number;
  readonly webhooks: {
    /** Private networks that webhooks may reach, also without TLS. */
    readonly allowedNetworks: readonly string[];
    /** The waits between the tries of a delivery, null: the ones of Standard Webhooks. */
    readonly retrySeconds: readonly number[] | null;
  };
  /** Where Prometheus may ask; null: nowhere. */
  readonly metricsPort: number | null;
  /** Null: nothing is traced. */
  readonly traces: TelemetryConfig | null;
  readonly clockOffsetSeconds: number;
  readonly jobs: { readonly retryLimit: number | null; readonly retryDelaySeconds: number | null };
  readonly logLevel: string;
}

export interface KeyringKey {
  readonly id: string;
  readonly secret: Buffer;
}

export type SigningJwk = { readonly kid: string } & Readonly<Record<string, unknown>>;

/** Every mistake in the environment at once. */
export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`The configuration is not usable:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

const origin = z.string().transform((value, context) => {
  const url = URL.canParse(value) ? new URL(value) : null;
  if (url && /^https?:$/.test(url.protocol) && url.origin === value.replace(/\/$/, '')) return url.origin;
  context.addIssue(`"${value}" is not an origin such as https://app.example.com`);
  return z.NEVER;
});

const baseUrl = z.string().transform((value, context) => {
  const url = URL.canParse(value) ? new URL(value) : null;
  if (url && /^https?:$/.test(url.protocol) && !url.username && !url.search && !url.hash) {
    return url.href.replace(/\/+$/, '');
  }
  context.addIssue('must be an http or https URL without user, query or fragment');
  return z.NEVER;
});

const urlOf = (...protocols: string[]) =>
  z.string().refine((value) => URL.canParse(value) && protocols.includes(new URL(value).protocol), {
    error: `must be a URL that starts with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`,
  });

const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .regex(/^-?\d+$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.number().min(min, `must be at least ${min}`).max(max, `must be at most ${max}`));

const onOff = z.enum(['on', 'off'], { error: 'must be on or off' }).transform((value) => value === 'on');

const list = z.string().transform((value) =>
  value
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean),
);

const cidrs = list.superRefine((values, context) => {
  for (const value of values) {
    if (!ipaddr.isValidCIDR(value)) context.addIssue(`"${value}" is not a network such as 10.0.0.0/8`);
  }
});

const seconds = list.transform((items, context) => {
  for (const item of items) if (!/^\d{1,7}$/.test(item)) context.addIssue(`"${item}" is not a number of seconds`);
  return items.map(Number);
});

const keyring = list.transform((items, context) => {
  const keys = items.map((item) => {
    const [id = '', base64 = ''] = item.split(/:(.*)/s);
    const secret = Buffer.from(base64, 'base64');
    if (!/^[A-Za-z0-9_-]{1,32}$/.test(id) || secret.length < 32) {
      context.addIssue('each key must be id:base64 with at least 32 bytes');
    }
    return { id, secret };
  });
  if (new Set(keys.map((key) => key.id)).size !== keys.length) context.addIssue('two keys share an id');
  return keys;
});

const signingKeys = z.string().transform((value, context) => {
  try {
    const jwk = z.looseObject({ kid: z.string().min(1), kty: z.string(), d: z.string().min(1) });
    return z.object({ keys: z.array(jwk).min(1) }).parse(JSON.parse(value));
  } catch {
    context.addIssue('must be a JWKS ({"keys":[…]}) whose private keys each have a kid');
    return z.NEVER;
  }
});

const environment = z.object({
  NODE_ENV: z
    .enum(['development', 'production', 'test'], { error: 'must be development or production' })
    .default('development'),
  HOST: z.string().default('127.0.0.1'),
  PORT: wholeNumber(0, 65_535).default(4000),
  DATA_DIR: z.string().default('.data'),
  DATABASE_URL: urlOf('postgres:', 'postgresql:').optional(),
  REDIS_URL: urlOf('redis:', 'rediss:').optional(),
  PUBLIC_APP_URL: baseUrl.optional(),
  PUBLIC_API_URL: baseUrl.optional(),
  CORS_ORIGINS: list.pipe(z.array(origin)).optional(),
  TRUSTED_PROXIES: cidrs.default([]),
  KEYRING: keyring.optional(),
  SIGNING_KEYS: signingKeys.optional(),
  SMTP_URL: urlOf('smtp:', 'smtps:').optional(),
  MAIL_FROM: z.string().default('Gatehouse <no-reply@localhost>'),
  ...oauthVariables,
  ...stripeVariables,
  PASSWORD_BREACH_CHECK: onOff.optional(),
  PASSWORD_BREACH_URL: baseUrl.default('https://api.pwnedpasswords.com'),
  ...storageVariables,
  UPLOAD_MAX_BYTES: wholeNumber(1, Number.MAX_SAFE_INTEGER).default(5 * 1024 ** 3),
  CLAMD_URL: urlOf('tcp:', 'unix:').optional(),
  CLAMD_FAIL_CLOSED: onOff.default(true),
  GRAPHIQL: onOff.optional(),
  INTROSPECTION: onOff.optional(),
  TRUSTED_DOCUMENTS: z.enum(['off', 'also', 'only'], { error: 'must be off, also or only' }).default('off'),
  TRUSTED_DOCUMENTS_FILE: z.string().default('trusted-documents.json'),
  WEBHOOK_ALLOW_CIDRS: cidrs.default([]),
  WEBHOOK_RETRY_SECONDS: seconds.optional(),
  METRICS_PORT: wholeNumber(0, 65_535).optional(),
  ...telemetryVariables,
  TEST_CLOCK_OFFSET_SECONDS: wholeNumber(-4_000_000_000, 4_000_000_000).default(0),
  RATE_LIMIT_SCALE: wholeNumber(1, 1_000_000).default(1),
  JOB_RETRY_LIMIT: wholeNumber(0, 1000).optional(),
  JOB_RETRY_DELAY_SECONDS: wholeNumber(0, 86_400).optional(),
  LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], {
      error: 'must be a level such as info or debug',
    })
    .default('info'),
});

type Environment = z.output<typeof environment>;

/** The names that `.env.example` must explain. */
export const environmentNames = Object.keys(environment.shape);

const requiredInProduction = ['DATABASE_URL', 'PUBLIC_APP_URL', 'KEYRING', 'SIGNING_KEYS', 'SMTP_URL'] as const;

/**
 * Reads the environment.
 * @throws ConfigError with every mistake, not only the first.
 */
export function readConfig(variables: NodeJS.ProcessEnv): Config {
  const given = Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== ''));
  const result = environment.safeParse(given);
  const problems = result.success
    ? []
    : result.error.issues.map((issue) => `${String(issue.path[0])}: ${issue.message}`);
  problems.push(...productionProblems(given), ...storageProblems(given));
  if (!result.success || problems.length > 0) throw new ConfigError(problems);
  return shape(result.data);
}

function productionProblems(given: NodeJS.ProcessEnv): string[] {
  if (given.NODE_ENV !== 'production') return [];
  const missing = requiredInProduction
    .filter((name) => given[name] === undefined)
    .map((name) => `${name}: must be set in production`)
    .concat(insecureProviders(given), insecureStripe(given));
  const refused = [];
  if (Number(given.TEST_CLOCK_OFFSET_SECONDS ?? 0) !== 0) refused.push('TEST_CLOCK_OFFSET_SECONDS');
  if (given.WEBHOOK_ALLOW_CIDRS) refused.push('WEBHOOK_ALLOW_CIDRS');
  return [...missing, ...refused.map((name) => `${name}: is refused in production`)];
}

function shape(env: Environment): Config {
  const isProduction = env.NODE_ENV === 'production';
  const publicAppUrl = env.PUBLIC_APP_URL ?? 'http://localhost:3000';
  return {
    isProduction,
    server: { host: env.HOST, port: env.PORT },
    dataDir: path.resolve(env.DATA_DIR),
    databaseUrl: env.DATABASE_URL ?? null,
    redisUrl: env.REDIS_URL ?? null,
    publicAppUrl,
    publicApiUrl: env.PUBLIC_API_URL ?? null,
    corsOrigins: env.CORS_ORIGINS ?? [new URL(publicAppUrl).origin],
    trustedProxies: env.TRUSTED_PROXIES,
    keyring: env.KEYRING ?? null,
    signingKeys: env.SIGNING_KEYS ?? null,
    smtpUrl: env.SMTP_URL ?? null,
    mailFrom: env.MAIL_FROM,
    oauth: oauthOf(env),
    stripe: stripeOf(env),
    breachedPasswordsUrl: (env.PASSWORD_BREACH_CHECK ?? isProduction) ? env.PASSWORD_BREACH_URL : null,
    files: filesOf(env),
    graphiql: env.GRAPHIQL ?? !isProduction,
    introspection: env.INTROSPECTION ?? !isProduction,
    trustedDocuments: { mode: env.TRUSTED_DOCUMENTS, file: path.resolve(env.TRUSTED_DOCUMENTS_FILE) },
    rateLimitScale: env.RATE_LIMIT_SCALE,
    webhooks: { allowedNetworks: env.WEBHOOK_ALLOW_CIDRS, retrySeconds: env.WEBHOOK_RETRY_SECONDS ?? null },
    metricsPort: env.METRICS_PORT ?? null,
    traces: telemetryOf(env),
    clockOffsetSeconds: env.TEST_CLOCK_OFFSET_SECONDS,
    jobs: { retryLimit: env.JOB_RETRY_LIMIT ?? null, retryDelaySeconds: env.JOB_RETRY_DELAY_SECONDS ?? null },
    logLevel: env.LOG_LEVEL,
  };
}
