import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { decodeId } from '../src/platform/typeid.ts';
import { runProgram, startProgram } from './support/command.ts';
import { aPerson, InviteMember, type Person, startTestApp, type TestApp } from './support/world.ts';

let app: TestApp;
let owner: Person;
let chainId: string;

beforeEach(async () => {
  app = await startTestApp();
  owner = await aPerson(app);
  chainId = decodeId('Organization', owner.organizationId) ?? '';
  await invite(4);
});

afterEach(() => app.close());

/** Four entries make a chain of five. */
async function invite(count: number) {
  const organizationId = owner.organizationId;
  const send = (_: unknown, at: number) =>
    owner.send(InviteMember, { input: { organizationId, email: `guest-${at}@example.com` } });
  await Promise.all(Array.from({ length: count }, send));
}

const verify = (environment: Record<string, string> = {}) =>
  runProgram(app, { program: 'commands/verify-audit', environment });

/** As the owner of the database would, with its guards switched off. */
async function tamper(sql: string) {
  const client = new pg.Client({ connectionString: app.databaseUrl });
  await client.connect();
  try {
    await client.query('SET session_replication_role = replica');
    const { rowCount } = await client.query(sql.replaceAll('CHAIN', `chain_id = '${chainId}'`));
    expect(rowCount).toBeGreaterThan(0);
  } finally {
    await client.end();
  }
}

/** What the hourly job writes: a second worker, an hour later. */
async function checkpointsInAnHour() {
  const worker = startProgram(app, {
    program: 'main',
    words: ['worker'],
    environment: { TEST_CLOCK_OFFSET_SECONDS: '3600' },
  });
  try {
    const signed = () => app.platform.db.auditCheckpoint.findFirst({ where: { chainId, sequence: 5 } });
    await vi.waitFor(async () => expect(await signed()).not.toBeNull(), { timeout: 15_000, interval: 50 });
  } finally {
    worker.kill('SIGTERM');
    await new Promise((resolve) => worker.once('exit', resolve));
  }
}

async function expectFlaw(text: string, environment?: Record<string, string>) {
  const { code, stderr } = await verify(environment);
  expect(stderr).toContain(`${owner.organizationId}: entry ${text}`);
  expect(code).toBe(1);
}

describe('npm run audit:verify', () => {
  test('finds every chain whole, with and without checkpoints', async () => {
    expect(await verify()).toMatchObject({
      code: 0,
      stderr: '',
      stdout: expect.stringContaining('Every chain is whole.'),
    });
    await checkpointsInAnHour();
    await invite(6);
    expect(await verify()).toMatchObject({
      code: 0,
      stderr: '',
      stdout: expect.stringMatching(/[1-9] signed checkpoints/),
    });
  });

  test.each([
    ['action', "action = 'member.joined'"],
    ['actor', 'actor_user_id = NULL'],
    ['key', 'api_key_id = gen_random_uuid()'],
    ['metadata', `metadata = metadata || '{"role": "OWNER"}'`],
    ['moment', "created_at = created_at + interval '1 millisecond'"],
    ['own hash', 'hash = sha256(hash)'],
  ])('finds an entry with another %s', async (_, change) => {
    await tamper(`UPDATE audit_entries SET ${change} WHERE CHAIN AND sequence = 3`);
    await expectFlaw('3 was changed');
  });

  test('finds an entry taken out of the middle', async () => {
    await tamper('DELETE FROM audit_entries WHERE CHAIN AND sequence = 3');
    await expectFlaw('3 is missing');
  });

  test('finds a gap that was closed by counting anew', async () => {
    await tamper('DELETE FROM audit_entries WHERE CHAIN AND sequence = 3');
    await tamper('UPDATE audit_entries SET sequence = sequence - 1 WHERE CHAIN AND sequence = 4');
    await expectFlaw('3 does not follow the one before it');
  });

  test('finds a tail cut off under its head', async () => {
    await tamper('DELETE FROM audit_entries WHERE CHAIN AND sequence > 3');
    await expectFlaw('4 was cut off: the head counts 5 entries');
  });

  test('finds a tail cut off with its head by a checkpoint, and a whole chain too', async () => {
    await checkpointsInAnHour();
    await tamper('DELETE FROM audit_entries WHERE CHAIN AND sequence > 3');
    await tamper(
      'UPDATE audit_heads h SET sequence = 3, hash = (SELECT hash FROM audit_entries WHERE CHAIN AND sequence = 3) WHERE CHAIN',
    );
    await expectFlaw('4 was cut off: the chain had 5 entries');
    await tamper('DELETE FROM audit_entries WHERE CHAIN');
    await tamper('DELETE FROM audit_heads WHERE CHAIN');
    await expectFlaw('1 was cut off: the chain had 5 entries');
  });

  test('finds a checkpoint that was bent to fit, and says when its key is gone', async () => {
    await checkpointsInAnHour();
    await tamper('DELETE FROM audit_entries WHERE CHAIN AND sequence > 3');
    await tamper(
      'UPDATE audit_heads h SET sequence = 3, hash = (SELECT hash FROM audit_entries WHERE CHAIN AND sequence = 3) WHERE CHAIN',
    );
    await tamper(
      'UPDATE audit_checkpoints SET sequence = 3, hash = (SELECT hash FROM audit_entries WHERE CHAIN AND sequence = 3) WHERE CHAIN',
    );
    await expectFlaw('3 has a checkpoint with a false signature');
    const SIGNING_KEYS = JSON.stringify({ keys: [await aSigningKey()] });
    const { code, stdout } = await verify({ SIGNING_KEYS });
    expect([code, stdout]).toEqual([
      0,
      expect.stringContaining('prove nothing: the key that signed them is not in SIGNING_KEYS'),
    ]);
  });
});

async function aSigningKey() {
  const { privateKey } = (await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as CryptoKeyPair;
  const { kty, crv, x, d } = await crypto.subtle.exportKey('jwk', privateKey);
  return { kty, crv, x, d, alg: 'EdDSA', kid: 'another' };
}
