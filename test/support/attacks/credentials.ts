import { createHmac } from 'node:crypto';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { vi } from 'vitest';
import { currentStep, freshCode, totp, VerifyChallenge } from '../second-factor.ts';
import { anAddress, callerWith, Login, password } from '../world.ts';
import { type Arena, type Attack, echo, kinds, signingKey, signingKid, times } from './arena.ts';

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const claimsOf = (token: string) =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>;
const asBearer = ({ ask }: Arena, accessToken: string) => ask('{ viewer { email } }', { as: { accessToken } });

/** A token of other claims than the program would write, by this key or by one of the attacker’s. */
async function token(claims: object, header: object = {}, key?: CryptoKey) {
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519' });
  const payload = JSON.parse(JSON.stringify(claims)) as JWTPayload;
  return new SignJWT(payload).setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', ...header }).sign(key ?? privateKey);
}

/** Where tries are counted and told. */
const traces = ['attempt_counters', 'mfa_challenges', 'audit_entries', 'audit_heads'];
const login = (email: string, secret = echo) =>
  `login(input: { email: "${email}", password: "${secret}" }) { ... on Error { code } }`;

export const credentialAttacks: readonly Attack[] = [
  {
    category: 'API2 authentication',
    name: 'a JWT with alg none, and with its signature left out',
    safe: ['401 UNAUTHENTICATED'],
    async run(arena) {
      const [head = '', body = ''] = arena.owner.accessToken.split('.');
      const none = ['none', 'None', 'NONE'].map((alg) => `${part({ alg, typ: 'at+jwt' })}.${body}.`);
      const tokens = [...none, `${head}.${body}.`, `${head}.${body}`];
      return kinds(await Promise.all(tokens.map((token) => asBearer(arena, token))));
    },
  },
  {
    category: 'API2 authentication',
    name: 'a JWT signed by HS256 with the public key for a secret',
    safe: ['401 UNAUTHENTICATED'],
    async run(arena) {
      const { keys } = (await (await fetch(`${arena.app.url}/.well-known/jwks.json`)).json()) as {
        keys: { kid: string; x: string }[];
      };
      const [{ kid, x } = { kid: '', x: '' }] = keys;
      const text = `${part({ alg: 'HS256', typ: 'at+jwt', kid })}.${arena.owner.accessToken.split('.')[1]}`;
      const secrets = [x, Buffer.from(x, 'base64url'), JSON.stringify(keys[0])];
      const tokens = secrets.map(
        (secret) => `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`,
      );
      return kinds(await Promise.all(tokens.map((token) => asBearer(arena, token))));
    },
  },
  {
    category: 'API2 authentication',
    name: 'a JWT signed by the attacker’s own key: under our kid, another, none, a path, and with a key in its header',
    safe: ['401 UNAUTHENTICATED'],
    async run(arena) {
      const claims = claimsOf(arena.owner.accessToken);
      const { publicKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
      const jwk = await exportJWK(publicKey);
      const kids = [{ kid: signingKid }, { kid: 'other' }, {}, { kid: '../../dev/null' }];
      const tokens = [...kids, { jwk }, { jku: 'http://127.0.0.1/keys' }].map((header) => token(claims, header));
      return kinds(await Promise.all((await Promise.all(tokens)).map((one) => asBearer(arena, one))));
    },
  },
  {
    category: 'API2 authentication',
    name: 'a JWT whose claims were exchanged under a good signature',
    safe: '401 UNAUTHENTICATED',
    async run(arena) {
      const [head, , signature] = arena.mallory.accessToken.split('.');
      return asBearer(arena, `${head}.${arena.owner.accessToken.split('.')[1]}.${signature}`);
    },
  },
  {
    category: 'API2 authentication',
    name: 'a JWT by our own key that is expired, endless, or of another audience, issuer or type',
    safe: ['401 UNAUTHENTICATED', '200 ok'],
    async run(arena) {
      const claims = claimsOf(arena.owner.accessToken);
      const changed = [
        { exp: 1_000_000_000 },
        { exp: undefined },
        { aud: 'elsewhere' },
        { iss: 'elsewhere' },
        { sid: '' },
      ];
      const kid = { kid: signingKid };
      const tokens = [
        ...(await Promise.all(changed.map((change) => token({ ...claims, ...change }, kid, signingKey)))),
        await token(claims, { ...kid, typ: 'JWT' }, signingKey),
      ];
      const good = await token(claims, kid, signingKey);
      const answers = await Promise.all(tokens.map((one) => asBearer(arena, one)));
      return [...kinds(answers), await asBearer(arena, good)];
    },
  },
  {
    category: 'API2 authentication',
    name: 'a refresh token for an access token, and the other way round',
    safe: ['401 UNAUTHENTICATED', '200 SESSION_ENDED', '200 SESSION_ENDED'],
    run: async (arena) => [
      await asBearer(arena, arena.owner.refreshToken),
      await arena.ask(
        `mutation { refreshSession(input: { refreshToken: "${arena.owner.accessToken}" }) { ... on Error { code } } }`,
      ),
      await arena.ask(
        `mutation { refreshSession(input: { refreshToken: "${arena.key.secret}" }) { ... on Error { code } } }`,
      ),
    ],
  },
  {
    category: 'API2 authentication',
    name: 'a refresh token that was stolen and spent comes back: thief and owner are both out',
    safe: ['200 SESSION_ENDED', '200 SESSION_ENDED', '401 UNAUTHENTICATED'],
    writes: ['sessions', 'notifications', 'notification_feeds', ...traces],
    async run({ ask, prey: { spent } }) {
      const spend = (refreshToken: string) =>
        ask('mutation ($t: String!) { refreshSession(input: { refreshToken: $t }) { ... on Error { code } } }', {
          variables: { t: refreshToken },
        });
      const answers = [await spend(spent.refreshToken), await spend(spent.successor)];
      return [...answers, await ask('{ viewer { id } }', { as: spent })];
    },
  },
  {
    category: 'API2 authentication',
    name: 'a session that the attacker has fixed in a cookie before the victim signs in',
    safe: [true, '200 SESSION_ENDED'],
    writes: ['sessions', ...traces],
    async run({ app, ask, prey: { guessed } }) {
      const planted = `rt_${'A'.repeat(60)}`;
      const headers = { cookie: `__Host-refresh=${planted}`, origin: 'http://localhost:3000' };
      const input = { email: guessed.email, password, transport: 'COOKIE' as const };
      const { headers: answered } = await callerWith(app).send(Login, { input }, headers);
      const cookie = answered.getSetCookie().join();
      const isNew = /^__Host-\w+=[\w-]{40,};/.test(cookie) && !cookie.includes(planted);
      return [isNew, await ask('mutation { refreshSession { ... on Error { code } } }', { headers })];
    },
  },
  {
    category: 'GraphQL batching',
    name: 'a hundred passwords under aliases in one document',
    safe: '400 OPERATION_TOO_COMPLEX',
    run: ({ ask, prey }) => ask(`mutation { ${times(100, (n) => `a${n}: ${login(prey.guessed.email)}`)} }`),
  },
  {
    category: 'GraphQL batching',
    name: 'ten second-factor codes under aliases and in fragments',
    safe: ['400 OPERATION_TOO_COMPLEX'],
    async run({ ask, prey: { challenge } }) {
      const tryCode = (n: number) =>
        `a${n}: verifyMfaChallenge(input: { challengeToken: "${challenge}", code: "00000${n}" }) { __typename }`;
      const spread = `mutation { ${times(9, (n) => `...F${n}`)} } ${times(9, (n) => `fragment F${n} on Mutation { ${tryCode(n)} }`)}`;
      return kinds([await ask(`mutation { ${times(9, tryCode)} }`), await ask(spread)]);
    },
  },
  {
    category: 'API2 authentication',
    name: 'second-factor codes one after another: the challenge is spent, for the right code too',
    safe: ['InvalidCode', 'InvalidToken'],
    writes: ['mfa_challenges', 'totp_factors', ...traces],
    async run({ app, prey: { challenge, factor, challenged } }) {
      const verify = async (code: string) =>
        (await callerWith(app).send(VerifyChallenge, { challengeToken: challenge, code })).data.verifyMfaChallenge;
      const wrong = totp(factor.secret, currentStep() - 100);
      const answers: string[] = [];
      for (let n = 0; n < 5; n += 1) answers.push((await verify(wrong)).__typename);
      answers.push((await verify(await freshCode(app, challenged, factor))).__typename);
      return kinds(answers);
    },
  },
  {
    category: 'API2 authentication',
    name: 'passwords one after another: the account shuts, in the same words, for the right one too',
    safe: ['200 INVALID_CREDENTIALS'],
    writes: traces,
    async run({ ask, prey: { guessed } }) {
      const answers: string[] = [];
      for (let n = 0; n < 11; n += 1) answers.push(await ask(`mutation { ${login(guessed.email)} }`));
      answers.push(await ask(`mutation { ${login(guessed.email, password)} }`));
      return kinds(answers);
    },
  },
  {
    category: 'API2 authentication',
    name: 'who has an account is asked by signing in, registering and resetting: one answer, and one hash for each',
    safe: [true, true, true, 2],
    writes: ['users', 'organizations', 'memberships', 'quota_limits', 'storage_usages', 'email_tokens', ...traces],
    async run({ app, owner }) {
      const emails = [owner.email, anAddress('nobody')];
      const told = async (call: (email: string) => string) => {
        const texts = await Promise.all(
          emails.map(async (email) => {
            const { data, errors } = await callerWith(app).send<unknown, never>(`mutation { ${call(email)} }`);
            return JSON.stringify({ data, errors }).replaceAll(email, 'the address');
          }),
        );
        return new Set(texts).size === 1;
      };
      const form = (email: string) => `input: { email: "${email}", password: "${password} 2", name: "Nobody" }`;
      const answers = [
        await told((email) => `register(${form(email)}) { __typename ... on RegistrationPending { email } }`),
        await told((email) => `requestPasswordReset(input: { email: "${email}" }) { ... on Accepted { email } }`),
      ];
      const hashes = vi.spyOn(app.platform.passwords, 'verify');
      answers.push(
        await told((email) => `login(input: { email: "${email}", password: "no" }) { ... on Error { message } }`),
      );
      const count = hashes.mock.calls.length;
      hashes.mockRestore();
      return [...answers, count];
    },
  },
  {
    category: 'API2 authentication',
    name: 'X-Forwarded-For names another address than the attacker’s',
    safe: ['127.0.0.1'],
    writes: ['sessions', ...traces],
    async run({ app, member }) {
      const forwarded = { 'x-forwarded-for': '203.0.113.7, 198.51.100.1', forwarded: 'for=203.0.113.7' };
      const since = new Date();
      const input = { email: member.email, password };
      await callerWith(app).send(Login, { input }, { ...forwarded, 'x-real-ip': '203.0.113.7' });
      const opened = await app.platform.db.session.findMany({ where: { createdAt: { gte: since } } });
      return opened.map(({ ipAddress }) => ipAddress);
    },
  },
];
