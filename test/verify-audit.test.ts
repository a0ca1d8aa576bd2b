import { once } from 'node:events';
import pg from 'pg';
import { describe, expect, test, vi } from 'vitest';
import { decodeId } from '../src/platform/typeid.ts';
import { runProgram, startProgram } from './support/command.ts';
import { aPerson, InviteMember, useApp } from './support/world.ts';

const app = useApp();
const patienceMs = 60_000;

/** The chain of a new organization: its founding and four invitations. */
async function aChainOfFive() {
  const { organizationId, send } = await aPerson(app);
  const invite = (_: unknown, at: number) =>
    send(InviteMember, { input: { organizationId, email: `guest-${at}@example.com` } });
  await Promise.all(Array.from({ length: 4 }, invite));
  return organizationId;
}

const verify = (environment: Record<string, string> = {}) =>
  runProgram(app, { program: 'commands/verify-audit', environment });

/** As the owner of the database would, with its guards switched off. `CHAIN` is the condition that names the chain. */
async function tamper(organizationId: string, ...statements: string[]) {
  const client = new pg.Client({ connectionString: app.databaseUrl });
  await client.connect();
  try {
    await client.query('SET session_replication_role = replica');
    for (const sql of statements) {
      const chain = `chain_id = '${decodeId('Organization', organizationId)}'`;
      expect((await client.query(sql.replaceAll('CHAIN', chain))).rowCount, sql).toBeGreaterThan(0);
    }
  } finally {
    await client.end();
  }
}

/** Waits for what the hourly job writes in a second worker, whose clock is an hour ahead. */
async function checkpointsOf(organizationIds: string[]) {
  const worker = startProgram(app, {
    program: 'main',
    words: ['worker'],
    environment: { TEST_CLOCK_OFFSET_SECONDS: '3600' },
  });
  try {
    const chainId = { in: organizationIds.map((id) => decodeId('Organization', id) ?? '') };
    const signed = () => app.platform.db.auditCheckpoint.count({ where: { chainId, sequence: 5 } });
    await vi.waitFor(async () => expect(await signed()).toBe(organizationIds.length), {
      timeout: 30_000,
      interval: 100,
    });
  } finally {
    worker.kill('SIGTERM');
    await once(worker, 'exit');
  }
}

const cut = 'DELETE FROM audit_entries WHERE CHAIN AND sequence > 3';
const third = '(SELECT hash FROM audit_entries WHERE CHAIN AND sequence = 3)';
const fitHead = `UPDATE audit_heads SET sequence = 3, hash = ${third} WHERE CHAIN`;

/** What is done to a chain of five, and what the command says of it. */
const flaws: readonly (readonly [statements: string[], says: string])[] = [
  [[`UPDATE audit_entries SET action = 'member.joined' WHERE CHAIN AND sequence = 3`], '3 was changed'],
  [['UPDATE audit_entries SET actor_user_id = NULL WHERE CHAIN AND sequence = 2'], '2 was changed'],
  [['UPDATE audit_entries SET api_key_id = gen_random_uuid() WHERE CHAIN AND sequence = 5'], '5 was changed'],
  [
    [`UPDATE audit_entries SET metadata = metadata || '{"role": "OWNER"}' WHERE CHAIN AND sequence = 4`],
    '4 was changed',
  ],
  [
    [`UPDATE audit_entries SET created_at = created_at + interval '1 millisecond' WHERE CHAIN AND sequence = 1`],
    '1 was changed',
  ],
  [['UPDATE audit_entries SET hash = sha256(hash) WHERE CHAIN AND sequence = 3'], '3 was changed'],
  [['DELETE FROM audit_entries WHERE CHAIN AND sequence = 3'], '3 is missing'],
  [
    [
      'DELETE FROM audit_entries WHERE CHAIN AND sequence = 3',
      'UPDATE audit_entries SET sequence = sequence - 1 WHERE CHAIN AND sequence = 4',
    ],
    '3 does not follow the one before it',
  ],
  [[cut], '4 was cut off: the head counts 5 entries'],
  [[`UPDATE audit_heads SET sequence = 3, hash = ${third} WHERE CHAIN`], '5 is not where the head ends'],
  [['DELETE FROM audit_heads WHERE CHAIN'], '6 has no head to follow'],
];

describe('npm run audit:verify', () => {
  test(
    'finds every chain whole, then each change, gap and cut, and names the place',
    async () => {
      const whole = await aChainOfFive();
      const chains: string[] = [];
      for (const _ of flaws) chains.push(await aChainOfFive());
      expect(await verify()).toMatchObject({
        code: 0,
        stderr: '',
        stdout: expect.stringContaining('Every chain is whole.'),
      });
      for (const [at, [statements]] of flaws.entries()) await tamper(chains[at] ?? '', ...statements);
      const { code, stderr } = await verify();
      for (const [at, [, says]] of flaws.entries()) expect(stderr).toContain(`  ${chains[at]}: entry ${says}`);
      expect([code, stderr.includes(whole)]).toEqual([1, false]);
    },
    patienceMs,
  );

  test(
    'finds by the signed checkpoints what is cut off with its head, or bent to fit',
    async () => {
      const [tail, all, bent, grown] = [
        await aChainOfFive(),
        await aChainOfFive(),
        await aChainOfFive(),
        await aChainOfFive(),
      ];
      await checkpointsOf([tail, all, bent, grown]);
      await tamper(tail, cut, fitHead);
      await tamper(all, 'DELETE FROM audit_entries WHERE CHAIN', 'DELETE FROM audit_heads WHERE CHAIN');
      await tamper(bent, cut, fitHead, `UPDATE audit_checkpoints SET sequence = 3, hash = ${third} WHERE CHAIN`);
      const { code, stderr, stdout } = await verify();
      expect(stderr).toContain(`${tail}: entry 4 was cut off: the chain had 5 entries`);
      expect(stderr).toContain(`${all}: entry 1 was cut off: the chain had 5 entries`);
      expect(stderr).toContain(`${bent}: entry 3 has a checkpoint with a false signature`);
      expect([code, stderr.includes(grown), stdout.includes('prove nothing')]).toEqual([1, false, false]);
      const SIGNING_KEYS = JSON.stringify({ keys: [await aSigningKey()] });
      expect((await verify({ SIGNING_KEYS })).stdout).toContain(
        'prove nothing: the key that signed them is not in SIGNING_KEYS',
      );
    },
    patienceMs,
  );
});

async function aSigningKey() {
  const { privateKey } = (await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as CryptoKeyPair;
  const { kty, crv, x, d } = await crypto.subtle.exportKey('jwk', privateKey);
  return { kty, crv, x, d, alg: 'EdDSA', kid: 'another' };
}
