import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { startApp } from '../src/app.ts';
import { readConfig } from '../src/config.ts';
import { open, rewrap, seal } from '../src/platform/envelope.ts';
import { rotateKeys } from '../src/platform/key-rotation.ts';
import { createKeyring } from '../src/platform/keyring.ts';
import { createLogger } from '../src/platform/log.ts';
import { placeIn, sealedColumns } from '../src/platform/sealed-columns.ts';
import { newId } from '../src/platform/typeid.ts';
import { runProgram, startProgram } from './support/command.ts';
import { dumpDatabase } from './support/dump.ts';
import {
  aChallengeFor,
  BeginTotp,
  freshCode,
  type SecondFactor,
  VerifyChallenge,
  withSecondFactor,
} from './support/second-factor.ts';
import { anEndpoint, RotateWebhookSecret } from './support/webhooks.ts';
import { aPerson, callerWith, type Person, type TestApp, useApp } from './support/world.ts';

const aKey = (id: string) => ({ id, secret: randomBytes(32) });
const [older, newer, foreign] = [aKey('older'), aKey('newer'), aKey('foreign')];
const inWords = (...keys: { id: string; secret: Buffer }[]) =>
  keys.map(({ id, secret }) => `${id}:${secret.toString('base64')}`).join(',');

const ring = createKeyring([older]);
const place = placeIn('totp_factors.secret', { rowId: 'row-1', ownerId: 'ada' });

describe('a sealed value', () => {
  test('opens in its place, and looks different each time', () => {
    const [one, two] = [seal(ring, place, 'a secret'), seal(ring, place, 'a secret')];
    expect([open(ring, place, one), open(ring, place, two)]).toEqual(['a secret', 'a secret']);
    for (const part of [2, 3]) expect(one.split('.')[part]).not.toBe(two.split('.')[part]);
    expect(one.startsWith('e1.older.')).toBe(true);
  });

  test('F13 does not open with any one bit of it changed', () => {
    const segments = seal(ring, place, 'a secret').split('.');
    for (const [at, segment] of segments.entries()) {
      const bytes = Buffer.from(segment, at < 2 ? 'latin1' : 'base64url');
      for (let bit = 0; bit < bytes.length * 8; bit += 1) {
        const changed = Buffer.from(bytes);
        changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        const forged = segments.with(at, changed.toString(at < 2 ? 'latin1' : 'base64url')).join('.');
        expect(() => open(ring, place, forged), `segment ${at} bit ${bit}`).toThrow();
      }
    }
  });

  test.each([
    ['row', { ...place, rowId: 'row-2' }],
    ['owner', { ...place, ownerId: 'eve' }],
    ['column', { ...place, column: 'other' }],
    ['table', { ...place, table: 'other' }],
    ['row and owner with the same letters', { ...place, rowId: 'row-1ada', ownerId: '' }],
  ])('F13 does not open in another %s', (_what, elsewhere) => {
    expect(() => open(ring, elsewhere, seal(ring, place, 'a secret'))).toThrow();
  });

  test('F13 does not open with a tag that is cut, nor with more or fewer segments', () => {
    const sealed = seal(ring, place, 'a secret');
    const [head, id, wrapped = '', value = ''] = sealed.split('.');
    const cut = (text: string, bytes: number) =>
      Buffer.from(text, 'base64url').subarray(0, -bytes).toString('base64url');
    for (let bytes = 1; bytes <= 16; bytes += 1) {
      expect(() => open(ring, place, [head, id, wrapped, cut(value, bytes)].join('.'))).toThrow();
      expect(() => open(ring, place, [head, id, cut(wrapped, bytes), value].join('.'))).toThrow();
    }
    for (const text of ['', 'e1', 'e1.older', `${sealed}.`, `${sealed}.x`, [head, id, value, wrapped].join('.')]) {
      expect(() => open(ring, place, text)).toThrow();
    }
  });

  test('F13 does not open with the data key of another value, nor with a key of another ring', () => {
    const [one, two] = [seal(ring, place, 'a secret').split('.'), seal(ring, place, 'another').split('.')];
    expect(() => open(ring, place, one.with(3, two[3] ?? '').join('.'))).toThrow();
    expect(() => open(createKeyring([foreign]), place, one.join('.'))).toThrow();
    expect(() => open(createKeyring([{ ...foreign, id: 'older' }]), place, one.join('.'))).toThrow();
  });

  test('opens with the new key alone once it is wrapped by it', () => {
    const sealed = seal(ring, place, 'a secret');
    const both = createKeyring([newer, older]);
    const fresh = rewrap(both, place, sealed);
    expect(open(createKeyring([newer]), place, fresh)).toBe('a secret');
    expect(rewrap(both, place, fresh)).toBe(fresh);
    expect(() => rewrap(both, { ...place, rowId: 'row-2' }, sealed)).toThrow();
  });
});

describe('encryption at rest', { timeout: 120_000 }, () => {
  const app = useApp({ KEYRING: inWords(older) });
  let ada: Person;
  let factor: SecondFactor;
  let pendingSecret: string;

  beforeAll(async () => {
    ada = await aPerson(app);
    factor = await withSecondFactor(app, ada);
    const eve = await aPerson(app, { name: 'Eve' });
    const { data } = await eve.send(BeginTotp);
    pendingSecret = data.beginTotpEnrollment.__typename === 'TotpEnrollment' ? data.beginTotpEnrollment.secret : '';
    await anOAuthState(app);
    const rename = 'mutation { updateProfile(input: { name: "Ada" }) { __typename } }';
    await ada.send(rename, undefined, { 'idempotency-key': 'a-repeated-request' });
    await anEndpointWithSecrets(ada);
  });

  test('F13 leaves no seed, no backup code and no verifier in a dump of the whole database', async () => {
    const dump = await dumpDatabase(app);
    expect(dump).toContain(ada.email);
    for (const secret of [factor.secret, pendingSecret, ...factor.backupCodes]) {
      for (const form of formsOf(secret)) expect(dump.toLowerCase()).not.toContain(form.toLowerCase());
    }
    expect(dump).not.toContain('a code verifier');
    expect(dump).not.toContain('of-a-gateway');
  });

  test('F13 has every column with sealed values in the list of those that are re-wrapped', async () => {
    const found = [...(await dumpDatabase(app, 'public')).matchAll(/^(\w+\.\w+) = e1\./gm)].map(([, column]) => column);
    expect([...new Set(found)].sort()).toEqual(Object.keys(sealedColumns).sort());
  });

  test('F13 takes no seed that was moved into another person’s row', async () => {
    const eve = await aPerson(app, { name: 'Eve' });
    const own = await withSecondFactor(app, eve);
    const rowOf = (email: string) => app.platform.db.totpFactor.findFirstOrThrow({ where: { user: { email } } });
    const [mine, hers] = [await rowOf(eve.email), await rowOf(ada.email)];
    const put = (userId: string, secret: string) =>
      app.platform.db.totpFactor.update({ where: { userId }, data: { secret } });
    await put(hers.userId, mine.secret);
    const variables = { challengeToken: await aChallengeFor(app, ada), code: await freshCode(app, ada, own) };
    expect((await callerWith(app).send(VerifyChallenge, variables)).codes).toEqual(['INTERNAL']);
    await put(hers.userId, hers.secret);
    expect(await canSignIn(app, ada, factor)).toBe(true);
  });

  test('keys:rotate may be killed and run again, and two may run at once; then the old key can go', async () => {
    await fillWithEnrollments(app, 1500);
    const before = await idsInUse(app);
    expect(before.get('newer')).toBeUndefined();
    const both = inWords(newer, older);

    const doomed = startProgram(app, { program: 'commands/rotate-keys', environment: { KEYRING: both } });
    await expect
      .poll(async () => (await idsInUse(app)).get('newer') ?? 0, { timeout: 60_000, interval: 5 })
      .toBeGreaterThan(0);
    doomed.kill('SIGKILL');
    const half = await idsInUse(app);
    expect(half.get('older')).toBeGreaterThan(0);

    const again = await runProgram(app, { program: 'commands/rotate-keys', environment: { KEYRING: both } });
    expect(again).toMatchObject({ code: 0, stderr: '' });
    expect(Number(/^(\d+) values are now under the key newer/.exec(again.stdout)?.[1])).toBeGreaterThan(0);
    expect([...(await idsInUse(app)).keys()]).toEqual(['newer']);

    const back = createKeyring([older, newer]);
    const counts = await Promise.all([rotateKeys(app.platform.db, back), rotateKeys(app.platform.db, back)]);
    expect(counts.reduce((sum, { rewrapped }) => sum + rewrapped, 0)).toBe(before.get('older'));
    await rotateKeys(app.platform.db, createKeyring([newer, older]));

    const successor = await startApp(configOf(app, inWords(newer)), {
      ...quiet,
      databaseUrl: databaseUrlOf(app),
      roles: ['api'],
    });
    const moved = { ...app, url: successor.url ?? '', platform: successor.platform } as TestApp;
    expect(await canSignIn(moved, ada, factor)).toBe(true);
    const variables = { challengeToken: await aChallengeFor(moved, ada), code: factor.backupCodes[0] ?? '' };
    expect((await callerWith(moved).send(VerifyChallenge, variables)).data.verifyMfaChallenge.__typename).toBe(
      'SignedIn',
    );
    await successor.close();
  });

  test('rotation leaves alone what it cannot open, and says which', async () => {
    const { userId, secret } = await app.platform.db.totpFactor.findFirstOrThrow({
      where: { user: { email: ada.email } },
    });
    const damaged = secret.split('.').with(1, 'older').join('.');
    await app.platform.db.totpFactor.update({ where: { userId }, data: { secret: damaged } });
    const { unreadable } = await rotateKeys(app.platform.db, createKeyring([newer, older]));
    expect(unreadable).toEqual([`totp_factors.secret ${userId}`]);
    expect((await app.platform.db.totpFactor.findUniqueOrThrow({ where: { userId } })).secret).toBe(damaged);
    await app.platform.db.totpFactor.update({ where: { userId }, data: { secret } });
  });

  test('the program does not start while a value is under a key that is not in the ring', async () => {
    const config = configOf(app, inWords(foreign));
    await expect(startApp(config, { ...quiet, databaseUrl: databaseUrlOf(app), roles: ['api'] })).rejects.toThrow(
      /KEYRING/,
    );
    const refused = await runProgram(app, {
      program: 'main',
      words: ['api'],
      environment: { KEYRING: inWords(foreign) },
    });
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/^The database holds secrets under keys that KEYRING does not have: newer/);
  });
});

/** With a secret, one before it, and a header of its own. Nobody is at its address. */
async function anEndpointWithSecrets(owner: Person): Promise<void> {
  const headers = [{ name: 'authorization', value: 'Bearer of-a-gateway' }];
  const { id } = await anEndpoint(owner, { url: 'https://93.184.215.14/', headers });
  await owner.send(RotateWebhookSecret, { id, overlapHours: 24 });
}

const quiet = { log: createLogger('silent'), passwordCost: { memoryKiB: 1024, passes: 2 } };
const databaseUrlOf = (app: TestApp) => app.platform.config.databaseUrl ?? '';

function configOf(app: TestApp, keyring: string) {
  const { dataDir, databaseUrl } = app.platform.config;
  return readConfig({ PORT: '0', DATA_DIR: dataDir, DATABASE_URL: databaseUrl ?? '', KEYRING: keyring });
}

/** A secret as it is told, without its separators, and as its bytes would stand in a dump. */
function formsOf(secret: string): string[] {
  const bare = secret.replaceAll('-', '');
  return [secret, bare, Buffer.from(bare).toString('hex'), Buffer.from(bare).toString('base64').replace(/=+$/, '')];
}

async function canSignIn(app: TestApp, person: Person, factor: SecondFactor): Promise<boolean> {
  const variables = { challengeToken: await aChallengeFor(app, person), code: await freshCode(app, person, factor) };
  return (await callerWith(app).send(VerifyChallenge, variables)).data?.verifyMfaChallenge.__typename === 'SignedIn';
}

/** How many values are under which key. */
async function idsInUse(app: TestApp): Promise<Map<string, number>> {
  const values = Object.keys(sealedColumns).map((name) => name.split('.'));
  const all = values.map(([table, column]) => `SELECT ${column} AS value FROM ${table}`).join(' UNION ALL ');
  const rows = await app.platform.db.$queryRawUnsafe<{ id: string; count: number }[]>(
    `SELECT split_part(value, '.', 2) AS id, count(*)::int AS count FROM (${all}) sealed WHERE value IS NOT NULL GROUP BY id`,
  );
  return new Map(rows.map(({ id, count }) => [id, count]));
}

async function fillWithEnrollments(app: TestApp, count: number): Promise<void> {
  const now = new Date();
  const users = Array.from({ length: count }, () => newId()).map((id) => ({
    id,
    email: `${id}@example.com`,
    name: 'N',
    createdAt: now,
  }));
  await app.platform.db.user.createMany({ data: users });
  const rows = users.map(({ id: userId }) => ({
    userId,
    secret: seal(app.platform.keyring, placeIn('totp_enrollments.secret', { rowId: userId, ownerId: userId }), 'seed'),
    expiresAt: now,
  }));
  await app.platform.db.totpEnrollment.createMany({ data: rows });
}

async function anOAuthState(app: TestApp): Promise<void> {
  const digest = randomBytes(32);
  const where = placeIn('oauth_states.code_verifier', { rowId: digest.toString('hex'), ownerId: 'github' });
  const codeVerifier = seal(app.platform.keyring, where, 'a code verifier');
  const rest = {
    provider: 'github',
    browserDigest: randomBytes(32),
    nonce: 'n',
    redirectUri: 'http://localhost:3000/x',
    expiresAt: new Date(),
  };
  await app.platform.db.oAuthState.create({ data: { digest, codeVerifier, ...rest } });
}
