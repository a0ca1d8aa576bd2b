import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { decodeId } from '../src/platform/typeid.ts';
import { cloneDatabase } from './support/database.ts';
import { type Delivery, type PostOffice, startPostOffice } from './support/post-office.ts';
import { endPrograms, type Program, runProgram } from './support/program.ts';
import { aRedisServer, hasRedis, type RedisServer } from './support/redis.ts';
import {
  anAddress,
  callerWith,
  InviteMember,
  Login,
  password,
  Register,
  signIn,
  startTestApp,
  type TestApp,
  VerifyEmail,
} from './support/world.ts';

describe.runIf(hasRedis)('two machines with one database and one Redis', () => {
  let redis: RedisServer;
  let machines: readonly [TestApp, TestApp];

  beforeAll(async () => {
    redis = await aRedisServer();
    const keyring = `k1:${randomBytes(32).toString('base64')}`;
    const environment = { REDIS_URL: redis.url, RATE_LIMIT_SCALE: '1', KEYRING: keyring };
    const first = await startTestApp(environment);
    machines = [first, await startTestApp(environment, { beside: first })];
    await vi.waitFor(() => expect(states()).toEqual(['ready', 'ready']), 10_000);
  });
  afterAll(async () => {
    for (const machine of [...machines].reverse()) await machine.close();
    await redis.remove();
  });

  const limiters = () => machines.map(({ platform }) => platform.rateLimits.loginByOrigin as never as Limiter);
  const states = () => limiters().map(({ client }) => client.status);
  /** Sign-ins that are not right, in turn on both; how many were let through. */
  const guess = async (count: number) => {
    let admitted = 0;
    for (let i = 0; i < count; i += 1) {
      const caller = callerWith(machines[i % 2 ? 1 : 0]);
      const { codes } = await caller.send(Login, { input: { email: anAddress(), password: 'a wrong password' } });
      if (codes.length === 0) admitted += 1;
      else expect(codes).toEqual(['RATE_LIMITED']);
    }
    return admitted;
  };

  test('hear of each other’s events, each event once', async () => {
    const heard: string[] = [];
    const listening = machines.map(async ({ platform }) => {
      for await (const { uploadId } of platform.pubsub.subscribe('uploadProgress', 'one')) {
        heard.push(uploadId);
        if (uploadId === 'last') break;
      }
    });
    machines[0].platform.pubsub.publish('uploadProgress', 'other', { uploadId: 'elsewhere' });
    machines[0].platform.pubsub.publish('uploadProgress', 'one', { uploadId: 'first' });
    await vi.waitFor(() => expect(heard).toEqual(['first', 'first']), 5_000);
    machines[1].platform.pubsub.publish('uploadProgress', 'one', { uploadId: 'last' });
    await Promise.all(listening);
    expect(heard).toEqual(['first', 'first', 'last', 'last']);
  });

  test('count limits by address together, in PostgreSQL while Redis is away, and in Redis again', async () => {
    expect(await guess(104)).toBe(100);
    await redis.stop();
    await vi.waitFor(() => expect(states()).not.toContain('ready'), 10_000);
    const { data, codes } = await callerWith(machines[0]).send(Login, {
      input: { email: anAddress(), password: 'a wrong password' },
    });
    expect([data?.login.__typename, codes]).toEqual(['InvalidCredentials', []]);
    expect(await guess(104)).toBe(99);
    expect(await machines[0].platform.db.rateLimit.count()).toBeGreaterThan(0);
    await redis.start();
    await vi.waitFor(() => expect(states()).toEqual(['ready', 'ready']), 10_000);
    expect(await guess(104)).toBe(100);
  });
});

interface Limiter {
  readonly client: { readonly status: string };
}

const burst = 200;
const killedAfter = 50;

// It waits for the heartbeat of the dead.
describe.runIf(hasRedis)('two machines, one of which is killed', { timeout: 180_000 }, () => {
  let redis: RedisServer;
  let office: PostOffice;
  let database: Awaited<ReturnType<typeof cloneDatabase>>;
  let dataDir: string;

  beforeAll(async () => {
    [redis, database, office] = await Promise.all([
      aRedisServer(),
      cloneDatabase(),
      startPostOffice(undefined, { takesMs: 40 }),
    ]);
    dataDir = await mkdtemp(path.join(tmpdir(), 'gatehouse-machines-'));
  });
  afterAll(async () => {
    await endPrograms();
    await office.close();
    await redis.remove();
    await database.drop();
    await rm(dataDir, { recursive: true, force: true });
  });

  function startMachine(): Program {
    return runProgram('src/main.ts', {
      PORT: '0',
      DATA_DIR: dataDir,
      DATABASE_URL: database.url,
      REDIS_URL: redis.url,
      SMTP_URL: office.url,
      KEYRING: keyring,
      RATE_LIMIT_SCALE: '100000',
      LOG_LEVEL: 'warn',
    });
  }

  test('send every mail of a burst, none twice but what was under way', async () => {
    const [doomed, survivor] = [startMachine(), startMachine()];
    const urls = [{ url: (await doomed.ready()) ?? '' }, { url: (await survivor.ready()) ?? '' }] as const;
    const owner = await anOwner(urls[1], office);
    await makeRoom(database.url, owner.organizationId);
    const machines = urls.map((machine) => callerWith(machine, owner.accessToken));
    const addresses = Array.from({ length: burst }, () => anAddress('guest'));
    const invite = (machine: number, email: string) =>
      machines[machine]?.send(InviteMember, { input: { organizationId: owner.organizationId, email, role: 'MEMBER' } });

    const killed = vi.waitUntil(() => office.deliveries.length >= killedAfter, { timeout: 60_000, interval: 5 });
    const doom = killed.then(() => doomed.kill('SIGKILL'));
    for (let at = 0; at < burst; at += 10) {
      const batch = addresses.slice(at, at + 10);
      // What the killed machine does not answer any more, the client asks the other one; it may be there already.
      await Promise.all(batch.map((email, i) => Promise.resolve(invite(i % 2, email)).catch(() => invite(1, email))));
    }
    await doom;
    expect(await doomed.exit).toBeNull();

    const mailsTo = (email: string) => office.deliveries.filter(({ recipients }) => recipients.includes(email));
    const missing = () => addresses.filter((email) => mailsTo(email).length === 0);
    await vi.waitFor(() => expect(missing()).toEqual([]), { timeout: 60_000, interval: 100 });
    const copies = addresses.map(mailsTo).filter((mails) => mails.length > 1);
    // No more than what one machine sends at a time, and a receiver can tell that it is the same mail.
    expect(copies.length).toBeLessThanOrEqual(3);
    for (const mails of copies) expect(new Set(mails.map(messageIdOf)).size).toBe(1);
    await expect.poll(() => waiting(database.url), { timeout: 30_000 }).toBe(0);
    survivor.kill('SIGTERM');
    expect(await survivor.exit).toBe(0);
  });
});

const keyring = `k1:${randomBytes(32).toString('base64')}`;
const messageIdOf = ({ headers }: Delivery) => /^Message-ID: (\S+)$/im.exec(headers)?.[1];

async function anOwner(machine: { url: string }, office: PostOffice) {
  const email = anAddress('olga');
  await callerWith(machine).send(Register, { input: { email, password, name: 'Olga' } });
  const mail = await vi.waitFor(() => {
    const found = office.deliveries.find(({ recipients }) => recipients.includes(email));
    if (!found) throw new Error('no mail yet');
    return found;
  }, 20_000);
  await callerWith(machine).send(VerifyEmail, { token: /token=([\w-]+)/.exec(mail.body)?.[1] ?? '' });
  return signIn(machine as never, { email, name: 'Olga' });
}

/** The free plan has fewer seats than the burst wants. */
async function makeRoom(databaseUrl: string, organizationId: string): Promise<void> {
  await query(
    databaseUrl,
    `INSERT INTO quota_limits (organization_id, resource, override) VALUES ($1, 'MEMBERS', 1000)`,
    [decodeId('Organization', organizationId)],
  );
}

/** How many invitation mails are not done with, alive or dead. */
async function waiting(databaseUrl: string): Promise<number> {
  const [row] = await query(
    databaseUrl,
    `SELECT (SELECT count(*) FROM pgboss.job WHERE name = 'invitation.sendEmail' AND state < 'completed')
      + (SELECT count(*) FROM dead_letters) AS count`,
  );
  return Number(row?.count);
}

async function query(databaseUrl: string, text: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    return (await client.query(text, values)).rows;
  } finally {
    await client.end();
  }
}
