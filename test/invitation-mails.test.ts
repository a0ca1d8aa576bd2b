import { describe, expect, test } from 'vitest';
import { graphql } from './generated/gql.ts';
import { mailsTo, waitForMail } from './support/mailbox.ts';
import { aRedisServer, hasRedis } from './support/redis.ts';
import {
  aMemberOf,
  anAddress,
  aPerson,
  InviteMember,
  type Person,
  startTestApp,
  type TestApp,
  useApp,
} from './support/world.ts';

const app = useApp({ RATE_LIMIT_SCALE: '1' });

const ResendInvitation = graphql(`
  mutation ResendOneInvitation($id: ID!) {
    resendInvitation(input: { id: $id }) { __typename ... on Error { code } }
  }
`);

async function invite(inviter: Person, email: string) {
  const input = { organizationId: inviter.organizationId, email };
  const { data, codes, errors } = await inviter.send(InviteMember, { input });
  const sent = data?.inviteMember.__typename === 'InvitationSent' ? data.inviteMember.invitation : null;
  return { outcome: codes[0] ?? data.inviteMember.__typename, id: sent?.id ?? '', errors };
}

async function resend(admin: Person, id: string) {
  const { data, codes } = await admin.send(ResendInvitation, { id });
  return codes[0] ?? data.resendInvitation.__typename;
}

const many = <Value>(length: number, value: Value) => Array.from({ length }, () => value);
const jobsFor = (email: string) => app.platform.db.$queryRaw<unknown[]>`
  SELECT 1 FROM pgboss.job j JOIN invitations i ON i.id::text = j.data ->> 'invitationId' WHERE i.email = ${email}`;

describe('mails to one invited address', () => {
  test('are five an hour, also of twenty at once, and what is refused writes nothing', async () => {
    const ada = await aPerson(app);
    const email = anAddress();
    const { id } = await invite(ada, email);
    const outcomes = await Promise.all(many(20, id).map((id) => resend(ada, id)));
    expect(outcomes.toSorted()).toEqual([...many(4, 'InvitationSent'), ...many(16, 'RATE_LIMITED')]);
    await waitForMail(app, { to: email, count: 5 });
    expect([(await jobsFor(email)).length, (await mailsTo(app, email)).length]).toEqual([5, 5]);
    expect(await app.platform.db.auditEntry.count({ where: { action: 'invitation.resent' } })).toBe(4);
  });

  test('are counted over all organizations, and the caller is told how long to wait', async () => {
    const email = anAddress();
    const [ada, ...others] = await Promise.all(Array.from({ length: 6 }, () => aPerson(app)));
    for (const other of others) expect((await invite(other, email)).outcome).toBe('InvitationSent');
    const { outcome, errors } = await invite(ada as Person, email);
    expect(outcome).toBe('RATE_LIMITED');
    const seconds = Number(errors[0]?.extensions?.retryAfterSeconds);
    expect([seconds > 3000, seconds <= 3600]).toEqual([true, true]);
    expect(await app.platform.db.invitation.count({ where: { email } })).toBe(5);
    expect((await invite(ada as Person, anAddress())).outcome).toBe('InvitationSent');
  });

  test('are not used up by what sends none', async () => {
    const ada = await aPerson(app);
    const member = await aMemberOf(app, ada);
    const email = anAddress();
    const { id } = await invite(ada, email);
    for (let i = 0; i < 6; i += 1) expect((await invite(ada, email)).outcome).toBe('Conflict');
    for (let i = 0; i < 6; i += 1) expect((await invite(member, email)).outcome).toBe('FORBIDDEN');
    for (let i = 0; i < 4; i += 1) expect(await resend(ada, id)).toBe('InvitationSent');
    expect(await resend(ada, id)).toBe('RATE_LIMITED');
  });
});

test.runIf(hasRedis)('the limit of invitation mails stays shut while Redis is away', async () => {
  const redis = await aRedisServer();
  const machine: TestApp = await startTestApp({ RATE_LIMIT_SCALE: '1', REDIS_URL: redis.url });
  const ada = await aPerson(machine);
  await redis.stop();
  const { id } = await invite(ada, anAddress());
  const outcomes = await Promise.all(many(20, id).map((id) => resend(ada, id)));
  expect(outcomes.toSorted()).toEqual([...many(4, 'InvitationSent'), ...many(16, 'RATE_LIMITED')]);
  await machine.close();
  await redis.remove();
});
