import { parseEnv } from 'node:util';
import { describe, expect, test } from 'vitest';
import { ConfigError, environmentNames, readConfig } from '../src/config.ts';
import { textOf } from './support/sources.ts';

const production = { NODE_ENV: 'production' };

describe('.env.example', () => {
  const example = textOf('.env.example');

  test('names every variable, and no other', () => {
    expect(Object.keys(parseEnv(example)).sort()).toEqual([...environmentNames].sort());
  });

  test('says of each what it is for', () => {
    const lines = example.split('\n');
    const silent = lines.filter((line, at) => /^[A-Z]/.test(line) && !lines[at - 1]?.startsWith('# '));
    expect(silent).toEqual([]);
  });

  test('copied as it stands, changes nothing', () => {
    expect(readConfig(parseEnv(example))).toEqual(readConfig({}));
  });
});

describe('readConfig', () => {
  test('reports every mistake at once, by the name of its variable', () => {
    const wrong = {
      NODE_ENV: 'staging',
      PORT: '99999',
      DATABASE_URL: 'mysql://db',
      PUBLIC_APP_URL: 'app.example.com',
      CORS_ORIGINS: 'https://app.example.com/path',
      TRUSTED_PROXIES: '10.0.0.0',
      KEYRING: 'k1:c2hvcnQ=',
      SIGNING_KEYS: '{"keys":[]}',
      SMTP_URL: 'http://mail',
      OAUTH_GITHUB_BASE_URL: 'http://github.example.com',
      OIDC_PROVIDERS: '[{"id":"acme"}]',
      WEBHOOK_ALLOW_CIDRS: '127.0.0.1',
      WEBHOOK_RETRY_SECONDS: '5,soon',
      STRIPE_API_BASE: 'api.stripe.com/v1',
      STRIPE_PRICES: 'team:price_1',
      GRAPHIQL: 'yes',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318',
      OTEL_TRACES_SAMPLER: 'sometimes',
      OTEL_TRACES_SAMPLER_ARG: '2',
      TEST_CLOCK_OFFSET_SECONDS: 'soon',
      LOG_LEVEL: 'loud',
    };
    expect(mistaken(problemsOf(wrong))).toEqual(Object.keys(wrong).sort());
  });

  test('never repeats a secret in what it reports', () => {
    const secret = 'c2VjcmV0LXNlY3JldA==';
    const problems = problemsOf({
      KEYRING: `k1:${secret}`,
      SIGNING_KEYS: `{"keys":"${secret}"}`,
      SMTP_URL: `http://u:${secret}@mail`,
      OIDC_PROVIDERS: `[{"id":"acme","name":"Acme","issuer":"http://u:${secret}@acme","clientId":"x","clientSecret":"${secret}"}]`,
    });
    expect(problems).toHaveLength(4);
    expect(problems.join('\n')).not.toContain(secret);
  });

  test('lists all that production lacks at once', () => {
    const needed = ['DATABASE_URL', 'KEYRING', 'PUBLIC_APP_URL', 'SIGNING_KEYS', 'SMTP_URL'];
    expect(mistaken(problemsOf(production))).toEqual(needed);
  });

  test('reports what is wrong and what is missing together', () => {
    const problems = problemsOf({
      ...production,
      PORT: 'x',
      TEST_CLOCK_OFFSET_SECONDS: '60',
      SMTP_URL: 'smtp://mail',
      WEBHOOK_ALLOW_CIDRS: '10.0.0.0/8',
    });
    expect(mistaken(problems)).toEqual(
      [
        'DATABASE_URL',
        'KEYRING',
        'PORT',
        'PUBLIC_APP_URL',
        'SIGNING_KEYS',
        'TEST_CLOCK_OFFSET_SECONDS',
        'WEBHOOK_ALLOW_CIDRS',
      ].sort(),
    );
  });

  test('takes an empty value as not set', () => {
    const empty = Object.fromEntries(environmentNames.map((name) => [name, '']));
    expect(readConfig(empty)).toEqual(readConfig({}));
  });

  test('refuses providers that share an id, have one that is taken, or an issuer in clear beyond the loopback', () => {
    const provider = {
      id: 'acme',
      name: 'Acme',
      issuer: 'http://127.0.0.1:8080/realms/acme',
      clientId: 'x',
      clientSecret: 'y',
    };
    const problems = (...OIDC_PROVIDERS: object[]) => problemsOf({ OIDC_PROVIDERS: JSON.stringify(OIDC_PROVIDERS) });
    expect(problems(provider)).toEqual([]);
    expect(problems(provider, provider)).toHaveLength(1);
    expect(problems({ ...provider, id: 'google' })).toHaveLength(1);
    expect(problems({ ...provider, issuer: 'http://id.example.com' }, { ...provider, id: 'B', name: '' })).toHaveLength(
      3,
    );
    const inProduction = problemsOf({ ...production, OIDC_PROVIDERS: JSON.stringify([provider]) });
    expect(mistaken(inProduction)).toContain('OIDC_PROVIDERS');
  });

  test('knows the providers of its own when id and secret are both there', () => {
    const github = { OAUTH_GITHUB_CLIENT_ID: 'x', OAUTH_GITHUB_CLIENT_SECRET: 'y' };
    expect(readConfig({ OAUTH_GITHUB_CLIENT_ID: 'x', OAUTH_GOOGLE_CLIENT_SECRET: 'y' }).oauth).toEqual({
      github: null,
      oidc: [],
    });
    expect(readConfig(github).oauth.github).toMatchObject({
      baseUrl: 'https://github.com',
      apiUrl: 'https://api.github.com',
    });
    const enterprise = readConfig({ ...github, OAUTH_GITHUB_BASE_URL: 'https://github.example.com/' });
    expect(enterprise.oauth.github).toMatchObject({ apiUrl: 'https://github.example.com/api/v3' });
    const google = readConfig({ OAUTH_GOOGLE_CLIENT_ID: 'x', OAUTH_GOOGLE_CLIENT_SECRET: 'y' });
    expect(google.oauth.oidc).toMatchObject([{ id: 'google', issuer: 'https://accounts.google.com' }]);
  });

  test('reads the prices of plans, and takes neither plan nor price twice', () => {
    const stripe = { STRIPE_SECRET_KEY: 'sk_test_x', STRIPE_WEBHOOK_SECRET: 'whsec_a, whsec_b' };
    const prices = (STRIPE_PRICES: string) => readConfig({ ...stripe, STRIPE_PRICES }).stripe;
    expect(readConfig({ STRIPE_PRICES: 'team=price_1' }).stripe).toBeNull();
    expect(prices('team=price_1, business=price_2')).toEqual({
      secretKey: 'sk_test_x',
      webhookSecrets: ['whsec_a', 'whsec_b'],
      apiBase: 'https://api.stripe.com',
      prices: new Map([
        ['team', 'price_1'],
        ['business', 'price_2'],
      ]),
    });
    for (const wrong of ['team=price_1,team=price_2', 'team=price_1,business=price_1', 'team', 'team='])
      expect(mistaken(problemsOf({ ...stripe, STRIPE_PRICES: wrong }))).toEqual(['STRIPE_PRICES']);
    expect(mistaken(problemsOf({ ...production, STRIPE_API_BASE: 'http://127.0.0.1:12111' }))).toContain(
      'STRIPE_API_BASE',
    );
  });

  test('reads a list of origins and falls back to the app’s own', () => {
    const PUBLIC_APP_URL = 'https://app.example.com/portal/';
    expect(readConfig({ PUBLIC_APP_URL })).toMatchObject({
      publicAppUrl: 'https://app.example.com/portal',
      corsOrigins: ['https://app.example.com'],
    });
    const CORS_ORIGINS = 'https://a.example.com, https://b.example.com:8443';
    expect(readConfig({ CORS_ORIGINS }).corsOrigins).toEqual(['https://a.example.com', 'https://b.example.com:8443']);
  });
});

function problemsOf(environment: Record<string, string>): readonly string[] {
  try {
    readConfig(environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

function mistaken(problems: readonly string[]): string[] {
  return [...new Set(problems.map((problem) => problem.split(':')[0] ?? ''))].sort();
}
