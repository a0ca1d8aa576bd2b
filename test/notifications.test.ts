import { describe, expect, test } from 'vitest';
import { graphql } from './generated/gql.ts';
import { connected, type TestSocket } from './support/raw-socket.ts';
import {
  aMemberOf,
  anAddress,
  aPerson,
  callerWith,
  InviteMember,
  type Person,
  signIn,
  useApp,
} from './support/world.ts';

const app = useApp();

const Notices = graphql(`
  query Notices($unreadOnly: Boolean, $first: Int, $after: String) {
    viewer {
      unreadNotificationCount
      notifications(unreadOnly: $unreadOnly, first: $first, after: $after) {
        totalCount
        unreadCount
        pageInfo { hasNextPage endCursor }
        edges { cursor node { id type title body data readAt createdAt organization { id } } }
      }
    }
  }
`);

const MarkRead = graphql(`
  mutation MarkRead($id: ID!) {
    markNotificationRead(input: { id: $id }) { __typename ... on NotificationsRead { unreadCount } }
  }
`);

const MarkAllRead = graphql(`
  mutation MarkAllRead($before: DateTime) {
    markAllNotificationsRead(input: { before: $before }) { __typename ... on NotificationsRead { unreadCount } }
  }
`);

const NoticeNode = graphql(`query NoticeNode($id: ID!) { node(id: $id) { id } }`);

async function listOf(person: Person, variables: { unreadOnly?: boolean; first?: number; after?: string | null } = {}) {
  const { data } = await person.send(Notices, variables);
  if (!data.viewer) throw new Error('not signed in');
  return data.viewer;
}

const nodesOf = ({ notifications }: Awaited<ReturnType<typeof listOf>>) => notifications.edges.map(({ node }) => node);

/** Organizations of their own invite the person: one notification each. */
async function inviteTo(person: Person, host: Person) {
  const input = { organizationId: host.organizationId, email: person.email, role: 'MEMBER' as const };
  const { data } = await host.send(InviteMember, { input });
  expect(data.inviteMember.__typename).toBe('InvitationSent');
}

const stream = `subscription Feed($after: String) {
  notifications(after: $after) { cursor unreadCount notification { type readAt } }
}`;

interface Event {
  readonly cursor: string;
  readonly unreadCount: number;
  readonly notification: { readonly type: string; readonly readAt: string | null };
}

async function listen(person: Person, after: string | null = null) {
  const client = await connected(app.url, { authorization: `Bearer ${person.accessToken}` });
  client.send({ id: 'n', type: 'subscribe', payload: { query: stream, variables: { after } } });
  return client;
}

async function nextEvent(client: TestSocket): Promise<Event> {
  const { payload } = (await client.next()) as { payload: { data?: { notifications: Event } } };
  if (!payload?.data) throw new Error(JSON.stringify(payload));
  return payload.data.notifications;
}

describe('F05 unread notifications', () => {
  test('are exactly those not marked; marking one, again, and all moves them out', async () => {
    const ada = await aPerson(app);
    for (const name of ['Bea', 'Cy', 'Di']) await inviteTo(ada, await aPerson(app, { name }));
    const all = nodesOf(await listOf(ada));
    expect(all.map(({ type }) => type)).toEqual(Array(3).fill('invitation.received'));
    expect(all[0]).toMatchObject({
      readAt: null,
      organization: null,
      data: { invitationId: expect.stringMatching(/^inv_/) },
    });
    const [newest, middle, oldest] = all;

    for (let time = 0; time < 2; time += 1) {
      const { data } = await ada.send(MarkRead, { id: middle?.id ?? '' });
      expect(data.markNotificationRead).toMatchObject({ unreadCount: 2 });
    }
    const unread = await listOf(ada, { unreadOnly: true });
    expect(nodesOf(unread).map(({ id }) => id)).toEqual([newest?.id, oldest?.id]);
    expect(unread).toMatchObject({ unreadNotificationCount: 2, notifications: { totalCount: 2, unreadCount: 2 } });

    const upToOldest = await ada.send(MarkAllRead, { before: oldest?.createdAt });
    expect(upToOldest.data.markAllNotificationsRead).toMatchObject({ unreadCount: 1 });
    const rest = await ada.send(MarkAllRead);
    expect(rest.data.markAllNotificationsRead).toMatchObject({ unreadCount: 0 });
    expect(nodesOf(await listOf(ada, { unreadOnly: true }))).toEqual([]);
    expect((await listOf(ada)).notifications).toMatchObject({ totalCount: 3, unreadCount: 0 });
  });

  test('page by page, nothing twice', async () => {
    const ada = await aPerson(app);
    for (const name of ['Bea', 'Cy', 'Di']) await inviteTo(ada, await aPerson(app, { name }));
    const first = await listOf(ada, { first: 2 });
    const rest = await listOf(ada, { first: 2, after: first.notifications.pageInfo.endCursor ?? null });
    const ids = [...nodesOf(first), ...nodesOf(rest)].map(({ id }) => id);
    expect(ids).toEqual(nodesOf(await listOf(ada)).map(({ id }) => id));
    expect(rest.notifications.pageInfo.hasNextPage).toBe(false);
  });

  test('are nobody else’s: not to read, not to mark', async () => {
    const [ada, host] = [await aPerson(app), await aPerson(app, { name: 'Host' })];
    await inviteTo(ada, host);
    const id = nodesOf(await listOf(ada))[0]?.id ?? '';
    expect((await ada.send(NoticeNode, { id })).data.node).toEqual({ id });
    expect((await host.send(NoticeNode, { id })).data.node).toBeNull();
    expect((await host.send(MarkRead, { id })).codes).toEqual(['NOT_FOUND']);
    expect((await callerWith(app).send(MarkRead, { id })).codes).toEqual(['UNAUTHENTICATED']);
    expect((await callerWith(app).send(MarkAllRead)).codes).toEqual(['UNAUTHENTICATED']);
    expect((await listOf(ada)).unreadNotificationCount).toBe(1);
  });
});

test('who joins is told to the admins, and not to members', async () => {
  const owner = await aPerson(app, { name: 'Olga' });
  const member = await aMemberOf(app, owner, { name: 'Mia' });
  await aMemberOf(app, owner, { name: 'Max' });
  const joined = nodesOf(await listOf(owner)).map(({ type, data }) => [type, data]);
  expect(joined).toHaveLength(2);
  expect(joined[1]).toMatchObject(['member.joined', { userId: member.id, role: 'MEMBER' }]);
  expect(nodesOf(await listOf(member))).toEqual([]);
});

test('an invitation to an address that nobody has confirmed tells nobody', async () => {
  const owner = await aPerson(app, { name: 'Olga' });
  const before = await app.platform.db.notification.count();
  const input = { organizationId: owner.organizationId, email: anAddress(), role: 'MEMBER' as const };
  await owner.send(InviteMember, { input });
  expect(await app.platform.db.notification.count()).toBe(before);
});

describe('the stream', () => {
  test('shows what is new, and what another device has read', async () => {
    const [ada, host] = [await aPerson(app), await aPerson(app, { name: 'Host' })];
    const laptop = await signIn(app, ada);
    await inviteTo(ada, await aPerson(app, { name: 'Bea' }));
    const client = await listen(ada, (await listOf(ada)).notifications.edges[0]?.cursor);
    await inviteTo(ada, host);
    expect(await nextEvent(client)).toMatchObject({ unreadCount: 2, notification: { readAt: null } });
    await laptop.send(MarkAllRead);
    for (const read of [await nextEvent(client), await nextEvent(client)]) {
      expect(read.unreadCount).toBe(0);
      expect(read.notification.readAt).not.toBeNull();
    }
    client.socket.terminate();
  });

  test('goes on after a break without a gap or a repeat', async () => {
    const ada = await aPerson(app);
    const hosts = [];
    for (const name of ['Bea', 'Cy', 'Di', 'Eve']) hosts.push(await aPerson(app, { name }));
    const [bea, cy, di, eve] = hosts as [Person, Person, Person, Person];
    await inviteTo(ada, bea);
    const listCursor = (await listOf(ada)).notifications.edges[0]?.cursor ?? '';
    await inviteTo(ada, cy);
    const first = await listen(ada, listCursor);
    const seen = await nextEvent(first);
    first.socket.terminate();

    await Promise.all([inviteTo(ada, di), inviteTo(ada, eve)]);
    const again = await listen(ada, seen.cursor);
    const cursors = [await nextEvent(again), await nextEvent(again)].map(({ cursor }) => cursor);
    expect(new Set([seen.cursor, ...cursors]).size).toBe(3);
    await ada.send(MarkAllRead, {});
    const reads = [await nextEvent(again), await nextEvent(again), await nextEvent(again), await nextEvent(again)];
    expect(reads.every(({ notification }) => notification.readAt !== null)).toBe(true);
    expect(new Set([...cursors, ...reads.map(({ cursor }) => cursor)]).size).toBe(6);
    again.socket.terminate();
  });

  test('takes no cursor of another person', async () => {
    const [ada, host] = [await aPerson(app), await aPerson(app, { name: 'Host' })];
    await inviteTo(ada, host);
    const cursor = (await listOf(ada)).notifications.edges[0]?.cursor ?? '';
    const client = await listen(host, cursor);
    expect(JSON.stringify(await client.next())).toContain('BAD_USER_INPUT');
    client.socket.terminate();
  });

  test('refuses who is not signed in', async () => {
    const client = await connected(app.url);
    client.send({ id: 'n', type: 'subscribe', payload: { query: stream } });
    expect(JSON.stringify(await client.next())).toContain('UNAUTHENTICATED');
    client.socket.terminate();
  });
});

test('twenty marks at once count each change once', async () => {
  const [ada, host] = [await aPerson(app), await aPerson(app, { name: 'Host' })];
  await inviteTo(ada, host);
  const answers = await Promise.all(Array.from({ length: 20 }, () => ada.send(MarkAllRead, {})));
  expect(answers.flatMap(({ codes }) => codes)).toEqual([]);
  const feeds = await app.platform.db.notificationFeed.findMany({ where: { user: { email: ada.email } } });
  expect(feeds.map(({ position }) => position)).toEqual([2n]);
});
