import type { ApolloClient } from '@apollo/client';
import { defer, map, repeat, retry, type Subscription, tap, timer } from 'rxjs';
import { graphql } from './generated/gql.ts';
import type { ListenSubscription } from './generated/graphql.ts';

/** The newest notifications; `startCursor` is where listening goes on. */
export const RecentNotifications = graphql(`
  query RecentNotifications {
    viewer {
      id
      notifications(first: 10) {
        unreadCount
        pageInfo { startCursor }
        edges { cursor node { id title body createdAt readAt } }
      }
    }
  }
`);

const Listen = graphql(`
  subscription Listen($after: String) {
    notifications(after: $after) { cursor unreadCount notification { id title body createdAt readAt } }
  }
`);

export type NotificationEvent = ListenSubscription['notifications'];

const firstWaitMs = 500;
const longestWaitMs = 30_000;

/**
 * Listens for ever, and puts what comes into the cache. After each break it goes on behind the last event that it has
 * seen, so that nothing is missed and nothing comes twice.
 * @param onArrival called for those that are new, and not for those that another device has marked as read
 */
export function listen(
  client: ApolloClient,
  onArrival: (notification: NotificationEvent['notification']) => void,
): Subscription {
  const known = client.cache.readQuery({ query: RecentNotifications })?.viewer?.notifications;
  let after = known?.pageInfo.startCursor ?? null;
  const connect = defer(() => client.subscribe({ query: Listen, variables: { after } })).pipe(
    map(({ data, error }) => {
      if (!data) throw error ?? new Error('The stream ended.');
      return data.notifications;
    }),
    tap((event) => {
      after = event.cursor;
    }),
  );
  // With a spread, so that a server that starts again is not asked by everybody at once.
  const wait = (count: number) =>
    timer(Math.min(firstWaitMs * 2 ** (count - 1), longestWaitMs) * (0.5 + Math.random()));
  return connect
    .pipe(retry({ delay: (_, count) => wait(count), resetOnSuccess: true }), repeat({ delay: () => wait(1) }))
    .subscribe((event) => {
      store(client, event);
      if (!event.notification.readAt) onArrival(event.notification);
      // It tells of something that other queries may show: who joined, who left.
      void client.refetchQueries({
        include: 'active',
        onQueryUpdated: ({ queryName }) => queryName === 'OrganizationMembers',
      });
    });
}

function store({ cache }: ApolloClient, { cursor, unreadCount, notification }: NotificationEvent): void {
  cache.updateQuery({ query: RecentNotifications }, (data) => {
    if (!data?.viewer) return data;
    const { notifications } = data.viewer;
    const others = notifications.edges.filter(({ node }) => node.id !== notification.id);
    const isKnown = others.length < notifications.edges.length;
    const edges = isKnown
      ? notifications.edges
      : [{ __typename: 'NotificationEdge' as const, cursor, node: notification }, ...others];
    return { viewer: { ...data.viewer, notifications: { ...notifications, unreadCount, edges } } };
  });
}
