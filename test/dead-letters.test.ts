import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { systemCtx } from '../src/context.ts';
import { collectFailedJobs } from '../src/domains/dead-letters/burial.service.ts';
import type { JobName } from '../src/jobs/catalog.ts';
import { encodeId } from '../src/platform/typeid.ts';
import { aCast, type CallerKind, type Cast, callerKinds } from './support/callers.ts';
import {
  aHopelessJob,
  buried,
  DeadLetterNode,
  deadLettersFor,
  ResolveDeadLetter,
  RetryDeadLetter,
} from './support/dead-letters.ts';
import { mailsTo, waitForMail } from './support/mailbox.ts';
import { connected } from './support/raw-socket.ts';
import { signInWithSecondFactor, withSecondFactor } from './support/second-factor.ts';
import { aPerson, type Person, useApp } from './support/world.ts';

const app = useApp({ JOB_RETRY_LIMIT: '0' });
let cast: Cast;
let superuser: Person;

beforeAll(async () => {
  cast = await aCast(app);
  superuser = cast.callers.superuser as Person;
});

const aLetter = async () => buried(app, (await aHopelessJob(app)).jobId);
const publicIdOf = ({ id }: { id: string }) => encodeId('DeadLetter', id);
const jobsWith = (jobId: string) =>
  app.platform.db.$queryRaw<unknown[]>`SELECT state FROM pgboss.job WHERE id = ${jobId}::uuid`;

const refusals: Record<CallerKind, string | null> = {
  anonymous: 'UNAUTHENTICATED',
  outsider: 'FORBIDDEN',
  member: 'FORBIDDEN',
  admin: 'FORBIDDEN',
  owner: 'FORBIDDEN',
  'superuser without second factor': 'MFA_REQUIRED',
  superuser: null,
};

describe('F19 dead letters', () => {
  test.each(callerKinds)('are for superusers with a second factor, not for %s', async (kind) => {
    const [caller, refusal] = [cast.callers[kind], refusals[kind]];
    const letter = await aLetter();
    const id = publicIdOf(letter);

    const { codes, nodes } = await deadLettersFor(caller);
    expect(codes).toEqual(refusal ? [refusal] : []);
    expect(nodes.some((node) => node.id === id)).toBe(refusal === null);
    const { data } = await caller.send(DeadLetterNode, { id });
    expect(data.node).toEqual(refusal ? null : { id, __typename: 'DeadLetter' });

    if (!refusal) return;
    expect((await caller.send(RetryDeadLetter, { input: { id } })).codes).toEqual([refusal]);
    expect((await caller.send(ResolveDeadLetter, { input: { id } })).codes).toEqual([refusal]);
    expect(await app.platform.db.deadLetter.findUnique({ where: { id: letter.id } })).toEqual(letter);
    const audited = { where: { targetId: letter.id } };
    expect(await app.platform.db.auditEntry.count(audited)).toBe(0);
  });

  test('are resolved by the caller, whom no argument names', async () => {
    const letter = await aLetter();
    const input = { id: publicIdOf(letter), note: '  The account is gone. ' };
    const forged = { ...input, resolvedById: cast.owner.id };

    expect((await superuser.send(ResolveDeadLetter, { input: forged as typeof input })).codes).toEqual([
      'BAD_USER_INPUT',
    ]);
    const { data } = await superuser.send(ResolveDeadLetter, { input });

    expect(data.resolveDeadLetter).toEqual({
      __typename: 'DeadLetterHandled',
      deadLetter: {
        id: input.id,
        state: 'RESOLVED',
        note: 'The account is gone.',
        resolvedAt: expect.any(String),
        resolvedBy: { id: superuser.id },
      },
    });
    const entries = await app.platform.db.auditEntry.findMany({ where: { targetId: letter.id } });
    expect(entries).toMatchObject([
      { action: 'deadLetter.resolved', actorKind: 'superuser', metadata: { queue: 'account.sendNotice' } },
    ]);
    expect(JSON.stringify(entries[0]?.metadata)).not.toContain('account is gone');
  });

  test('are handled once, whichever of twenty superusers comes first; the others get Conflict', async () => {
    const second = await aSuperuser();
    const [letter, other] = [await aLetter(), await aLetter()];
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => {
        const document = i % 3 === 0 ? RetryDeadLetter : ResolveDeadLetter;
        return (i % 2 ? superuser : second).send<Record<string, Handled>, unknown>(document as never, {
          input: { id: publicIdOf(letter) },
        });
      }),
    );
    const outcomes = answers.map(({ data }) => Object.values(data)[0] as Handled);
    const winners = outcomes.filter(({ __typename }) => __typename === 'DeadLetterHandled');
    expect(winners).toHaveLength(1);
    expect(outcomes.filter(({ code }) => code === 'CONFLICT')).toHaveLength(19);
    expect([superuser.id, second.id]).toContain(winners[0]?.deadLetter?.resolvedBy.id);
    expect(await app.platform.db.auditEntry.count({ where: { targetId: letter.id } })).toBe(1);
    expect(await app.platform.db.deadLetter.findUnique({ where: { id: other.id } })).toEqual(other);
  });

  test('of an unknown id are NOT_FOUND', async () => {
    for (const id of [encodeId('DeadLetter', randomUUID()), encodeId('User', randomUUID()), 'dlq_nonsense']) {
      expect((await superuser.send(ResolveDeadLetter, { input: { id } })).codes).toEqual(['NOT_FOUND']);
    }
  });

  test('reach a subscription of superusers alone', async () => {
    const query = 'subscription { deadLetters { id queue state payload } }';
    const listen = async (accessToken?: string) => {
      const client = await connected(app.url, accessToken ? { authorization: `Bearer ${accessToken}` } : undefined);
      client.send({ id: 'd', type: 'subscribe', payload: { query } });
      return client;
    };
    for (const kind of callerKinds.filter((kind) => refusals[kind])) {
      const client = await listen((cast.callers[kind] as Partial<Person>).accessToken);
      expect(JSON.stringify(await client.next())).toContain(refusals[kind]);
      client.socket.terminate();
    }
    const client = await listen(superuser.accessToken);
    // The server has subscribed when it answers what came after.
    client.send({ id: 'q', type: 'subscribe', payload: { query: '{ viewer { id } }' } });
    expect(await client.next()).toMatchObject({ id: 'q' });
    expect(await client.next()).toMatchObject({ id: 'q', type: 'complete' });
    const { jobId } = await aHopelessJob(app);
    const id = publicIdOf(await buried(app, jobId));
    const { payload } = (await client.next()) as { payload: { data: unknown } };
    expect(payload.data).toMatchObject({ deadLetters: { id, queue: 'account.sendNotice', state: 'OPEN' } });
    client.socket.terminate();
  });
});

interface Handled {
  readonly __typename: string;
  readonly code?: string;
  readonly deadLetter?: { readonly resolvedBy: { readonly id: string } };
}

async function aSuperuser(): Promise<Person> {
  const person = await aPerson(app, { name: 'Sam' });
  await app.platform.db.user.update({ where: { email: person.email }, data: { isSuperuser: true } });
  return signInWithSecondFactor(app, person, await withSecondFactor(app, person));
}

describe('a job that is given up', () => {
  test('leaves the queue for a dead letter that says why and shows no secret', async () => {
    const { jobId, sealedAddress } = await aHopelessJob(app);
    const id = publicIdOf(await buried(app, jobId));
    expect(await jobsWith(jobId)).toEqual([]);

    const node = (await deadLettersFor(superuser, { queue: 'account.sendNotice' })).nodes.find((it) => it.id === id);
    expect(node).toMatchObject({
      queue: 'account.sendNotice',
      payload: { userId: expect.stringMatching(/^usr_/), kind: 'emailChanged', sealedAddress: '[redacted]' },
      attempts: 1,
      state: 'OPEN',
      history: [{ attempt: 1, error: node?.error }],
      organization: null,
      resolvedBy: null,
      resolvedAt: null,
      note: null,
    });
    expect(node?.error.length).toBeGreaterThan(5);
    expect(JSON.stringify(node)).not.toContain(sealedAddress);
  });

  test('for an organization that is gone belongs to none', async () => {
    const jobId = randomUUID();
    await failInQueue('invitation.sendEmail', jobId, { invitationId: randomUUID(), organizationId: randomUUID() });
    await collectFailedJobs(systemCtx(app.platform));
    const [node] = (await deadLettersFor(superuser, { queue: 'invitation.sendEmail', first: 1 })).nodes;
    expect(node).toMatchObject({
      organization: null,
      payload: { invitationId: expect.stringMatching(/^inv_/), organizationId: expect.stringMatching(/^org_/) },
    });
  });

  test('T5 is collected when the queue gave it up by itself, once, and is nowhere to retry but there', async () => {
    const jobId = randomUUID();
    const organizationId = await organizationUuid(cast.owner);
    await failInQueue('invitation.sendEmail', jobId, {
      invitationId: randomUUID(),
      organizationId,
      token: 'secret-token',
    });

    const ctx = systemCtx(app.platform);
    await Promise.all(Array.from({ length: 5 }, () => collectFailedJobs(ctx)));

    expect(await jobsWith(jobId)).toEqual([]);
    const letters = await app.platform.db.deadLetter.findMany({ where: { jobId } });
    expect(letters).toHaveLength(1);
    expect(letters[0]).toMatchObject({ error: 'job heartbeat timeout', attempts: 3, organizationId });
    expect(JSON.stringify(letters)).not.toContain('secret-token');
    const [node] = (await deadLettersFor(superuser, { queue: 'invitation.sendEmail', first: 1 })).nodes;
    expect(node?.organization?.id).toBe(cast.owner.organizationId);
    // What lost a part of its payload is not run again.
    const { data } = await superuser.send(RetryDeadLetter, { input: { id: node?.id ?? '' } });
    expect(data.retryDeadLetter).toMatchObject({ __typename: 'Conflict' });
    expect(await app.platform.db.deadLetter.count({ where: { jobId, state: 'OPEN' } })).toBe(1);
  });

  test('runs once more when it is retried, under the same id, and dies anew', async () => {
    const { jobId } = await aHopelessJob(app);
    const first = await buried(app, jobId);
    const input = { id: publicIdOf(first), note: 'the key is back' };

    const answers = await Promise.all(Array.from({ length: 10 }, () => superuser.send(RetryDeadLetter, { input })));

    const outcomes = answers.map(({ data }) => data.retryDeadLetter.__typename).sort();
    expect(outcomes).toEqual([...Array(9).fill('Conflict'), 'DeadLetterHandled']);
    const second = await buried(app, jobId);
    expect(second.id).not.toBe(first.id);
    const runs = app.logLines.filter((line) => line.jobId === jobId);
    expect(runs.map(({ outcome }) => outcome)).toEqual(['failed', 'failed']);
    expect(await app.platform.db.deadLetter.findUnique({ where: { id: first.id } })).toMatchObject({
      state: 'RETRIED',
      note: 'the key is back',
    });
  });

  test('leaves one dead letter where it comes round again, and none where nothing is lost with it', async () => {
    const ids = Array.from({ length: 6 }, () => randomUUID());
    for (const id of ids) await failInQueue('audit.writeCheckpoints', id, {});
    const wakeUp = randomUUID();
    await failInQueue('webhook.deliver', wakeUp, {});
    const ctx = systemCtx(app.platform);
    await Promise.all(Array.from({ length: 5 }, () => collectFailedJobs(ctx)));
    const { counts } = await deadLettersFor(superuser);
    expect(counts).toContainEqual({ queue: 'audit.writeCheckpoints', state: 'OPEN', count: 1 });
    expect(counts?.filter(({ queue }) => queue === 'webhook.deliver')).toEqual([]);
    for (const id of [...ids, wakeUp]) expect(await jobsWith(id)).toEqual([]);
  });

  test('is counted by kind and state, and found by both, page by page', async () => {
    const before = await app.platform.db.deadLetter.count({ where: { queue: 'account.sendNotice', state: 'OPEN' } });
    const letters = [await aLetter(), await aLetter(), await aLetter()];
    await superuser.send(ResolveDeadLetter, { input: { id: publicIdOf(letters[1] as { id: string }) } });

    const filter = { queue: 'account.sendNotice', state: 'OPEN' as const };
    const first = await deadLettersFor(superuser, { ...filter, first: 1 });
    const rest = await deadLettersFor(superuser, { ...filter, after: first.page?.pageInfo.endCursor ?? null });
    expect([...first.nodes, ...rest.nodes].slice(0, 2).map(({ id }) => id)).toEqual([
      publicIdOf(letters[2] as { id: string }),
      publicIdOf(letters[0] as { id: string }),
    ]);
    expect(first.page?.totalCount).toBe(before + 2);
    expect(first.counts).toContainEqual({ ...filter, count: before + 2 });
    expect((await deadLettersFor(superuser, { state: 'RESOLVED' })).nodes[0]?.id).toBe(
      publicIdOf(letters[1] as { id: string }),
    );
  });
});

async function organizationUuid({ email }: Person): Promise<string> {
  const { organizationId } = await app.platform.db.membership.findFirstOrThrow({ where: { user: { email } } });
  return organizationId;
}

/** A job whose worker was lost at its last attempt, as the queue leaves it. */
async function failInQueue(name: JobName, id: string, payload: Record<string, string>) {
  const ctx = systemCtx(app.platform);
  await app.platform.jobQueue.send(name, payload, { id, startAfter: 3600, retryLimit: 2 });
  await ctx.db.$executeRaw`
    UPDATE pgboss.job SET state = 'failed', retry_count = 2, completed_on = now(),
      output = '{ "value": { "message": "job heartbeat timeout" } }'
    WHERE id = ${id}::uuid`;
}

describe('an alert', () => {
  test('goes to every superuser, with the first of a kind within the hour, and to nobody else', async () => {
    const watcher = await aSuperuser();
    await app.platform.db.deadLetterAlert.deleteMany();
    await aLetter();
    const mail = await waitForMail(app, { to: watcher.email, subject: 'account.sendNotice' });
    expect(mail.text).toContain('at most once an hour');
    await aLetter();
    await aLetter();
    const anHourAgo = new Date(Date.now() - 61 * 60_000);
    await app.platform.db.deadLetterAlert.update({
      where: { queue: 'account.sendNotice' },
      data: { alertedAt: anHourAgo },
    });
    await aLetter();
    await waitForMail(app, { to: watcher.email, subject: 'account.sendNotice', count: 2 });
    const alerts = (await mailsTo(app, watcher.email)).filter(({ subject }) => subject.includes('given up'));
    expect(alerts).toHaveLength(2);
    expect((await mailsTo(app, cast.owner.email)).filter(({ subject }) => subject.includes('given up'))).toEqual([]);
  });
});
