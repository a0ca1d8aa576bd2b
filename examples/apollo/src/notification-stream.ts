import type { ApolloClient } from '@apollo/client';
import {
  catchError,
  defer,
  EMPTY,
  ignoreElements,
  map,
  merge,
  repeat,
  retry,
  type Subscription,
  switchMap,
  tap,
  timer,
} from 'rxjs';
import { graphql } from './generated/gql.ts';
import type { ListenSubscription, RecentNotificationsQuery } from './generated/graphql.ts';

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
const lookAgainMs = 1_000;

/**
 * Listens for ever, and puts what comes into the cache. After each break it goes on behind the last event that it has
 * seen, so that nothing is missed and nothing comes twice.
 * @param onArrival called for those that are new, and not for those that another device has marked as read
 */
export function listen(
  client: ApolloClient,
  onArrival: (notification: NotificationEvent['notification']) => void,
): Subscription {
  const known = client.cache.readQuery({ query: RecentNotifications });
  let after = cursorOf(known);
  const events = defer(() => client.subscribe({ query: Listen, variables: { after } })).pipe(
    map(({ data, error }) => {
      if (!data) throw error ?? new Error('The stream ended.');
      return data.notifications;
    }),
    tap((event) => {
      after = event.cursor;
    }),
  );
  // An empty list has no cursor to go on from. What came between it and the first subscription is looked for once.
  const missed = defer(() => (after === null ? timer(lookAgainMs) : EMPTY)).pipe(
    switchMap(() => client.query({ query: RecentNotifications, fetchPolicy: 'network-only' })),
    tap(({ data }) => {
      after ??= cursorOf(data);
    }),
    ignoreElements(),
    catchError(() => EMPTY),
  );
  // With a spread, so that a server that starts again is not asked by everybody at once.
  const wait = (count: number) =>
    timer(Math.min(firstWaitMs * 2 ** (count - 1), longestWaitMs) * (0.5 + Math.random()));
  return merge(events, missed)
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

const cursorOf = (data: RecentNotificationsQuery | null | undefined): string | null =>
  data?.viewer?.notifications.pageInfo.startCursor ?? null;

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
