import { parse, validate } from 'graphql';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { schema } from '../src/graphql/schema.ts';
import { encodeId } from '../src/platform/typeid.ts';
import { graphql } from './generated/gql.ts';
import { aHopelessJob, buried } from './support/dead-letters.ts';
import { blocksOf, operationsOf } from './support/docs.ts';
import { connected } from './support/raw-socket.ts';
import { signInWithSecondFactor, withSecondFactor } from './support/second-factor.ts';
import { projectFiles, textOf } from './support/sources.ts';
import { aPerson, InviteMember, type Person, useApp } from './support/world.ts';

const app = useApp({ JOB_RETRY_LIMIT: '0' });

const pages = projectFiles().filter((file) => /^docs\/[\w-]+\.md$/.test(file));

test.each(pages)('%s asks for nothing that is not there', (page) => {
  const mistakes = blocksOf(page).flatMap((text) => validate(schema, parse(text)).map(({ message }) => message));
  expect(mistakes).toEqual([]);
});

/** Runs all that a page shows, as one person; every operation needs its variables here. */
async function runPage(page: string, person: Person, variables: Record<string, Record<string, unknown>>) {
  const operations = operationsOf(page);
  expect([...operations.keys()].sort()).toEqual(Object.keys(variables).sort());
  for (const [name, { text, isStream }] of operations) {
    if (isStream) {
      const client = await connected(app.url, { authorization: `Bearer ${person.accessToken}` });
      client.send({ id: name, type: 'subscribe', payload: { query: text, variables: variables[name] } });
      client.send({ id: 'after', type: 'subscribe', payload: { query: '{ viewer { id } }' } });
      // The first thing to come is an event, or the answer after it: no refusal.
      expect(await client.next()).toMatchObject({ type: 'next' });
      client.socket.terminate();
    } else {
      const { data, errors } = await person.send<Record<string, object | null>, unknown>(text, variables[name]);
      expect({ name, errors }).toEqual({ name, errors: [] });
      expect(Object.values(data).every(Boolean)).toBe(true);
    }
  }
}

const FirstNotice = graphql(`
  query FirstNotice { viewer { notifications(first: 1) { edges { cursor node { id createdAt } } } } }
`);

describe('what a page shows runs', () => {
  test('docs/notifications.md', async () => {
    const [ada, host] = [await aPerson(app), await aPerson(app, { name: 'Host' })];
    const input = { organizationId: host.organizationId, email: ada.email, role: 'MEMBER' as const };
    await host.send(InviteMember, { input });
    const { data } = await ada.send(FirstNotice);
    const [first] = data.viewer?.notifications.edges ?? [];
    await runPage('docs/notifications.md', ada, {
      Notifications: { after: null },
      MarkOneRead: { id: first?.node.id },
      MarkAllRead: { before: first?.node.createdAt },
      Listen: { after: first?.cursor },
      Preferences: {},
      MailMeInvitations: {},
    });
    expect(await app.platform.db.notificationPreference.count({ where: { user: { email: ada.email } } })).toBe(1);
  });

  test('docs/jobs.md', async () => {
    const sue = await aPerson(app, { name: 'Sue' });
    await app.platform.db.user.update({ where: { email: sue.email }, data: { isSuperuser: true } });
    const superuser = await signInWithSecondFactor(app, sue, await withSecondFactor(app, sue));
    const [first, second] = [await aHopelessJob(app), await aHopelessJob(app)];
    const idOf = async ({ jobId }: typeof first) => encodeId('DeadLetter', (await buried(app, jobId)).id);
    await runPage('docs/jobs.md', superuser, {
      OpenDeadLetters: { after: null },
      TryAgain: { id: await idOf(first) },
      FileAway: { id: await idOf(second) },
      NewDeadLetters: {},
    });
    expect(await app.platform.db.deadLetter.count({ where: { state: { not: 'OPEN' } } })).toBe(2);
  });

  test('docs/operations.md', async () => {
    const sue = await aPerson(app, { name: 'Sue' });
    const { id } = await app.platform.db.user.update({ where: { email: sue.email }, data: { isSuperuser: true } });
    const superuser = await signInWithSecondFactor(app, sue, await withSecondFactor(app, sue));
    const victim = await aPerson(app, { name: 'Vic' });
    const letter = await buried(app, (await aHopelessJob(app)).jobId);
    await runPage('docs/operations.md', superuser, {
      PiledUp: {},
      RetryOne: { id: encodeId('DeadLetter', letter.id) },
      FindPerson: { search: victim.email },
      LockPerson: { id: victim.id },
      DoneBy: { actorId: encodeId('User', id) },
    });
    const statements = [...textOf('docs/operations.md').matchAll(/^```sql\n(.*?)^```/gms)].map(([, sql = '']) => sql);
    expect(statements.length).toBeGreaterThan(3);
    const client = new pg.Client({ connectionString: app.databaseUrl });
    await client.connect();
    for (const statement of statements) await client.query(statement);
    await client.end();
    // One of them ends every session.
    expect((await superuser.send('{ viewer { id } }')).codes).toEqual(['UNAUTHENTICATED']);
  });
});
