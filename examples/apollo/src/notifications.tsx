import { useApolloClient, useMutation, useQuery } from '@apollo/client/react';
import { useEffect, useState } from 'react';
import { graphql } from './generated/gql.ts';
import { listen, type NotificationEvent, RecentNotifications } from './notification-stream.ts';

const MarkAllRead = graphql(`
  mutation MarkAllRead($before: DateTime!) {
    markAllNotificationsRead(input: { before: $before }) { ... on NotificationsRead { unreadCount } }
  }
`);

const time = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });

/** The bell: how many are unread, the newest of them, and a word at the edge when one arrives. */
export function Notifications() {
  const client = useApolloClient();
  const { data, error, refetch } = useQuery(RecentNotifications);
  const [markAllRead] = useMutation(MarkAllRead, {
    refetchQueries: [RecentNotifications],
    onError: () => undefined,
  });
  const [arrived, setArrived] = useState<NotificationEvent['notification'] | null>(null);
  const notifications = data?.viewer?.notifications;
  const isLoaded = notifications !== undefined;
  useEffect(() => {
    if (!isLoaded) return;
    const stream = listen(client, setArrived);
    return () => stream.unsubscribe();
  }, [client, isLoaded]);
  useEffect(() => {
    if (!arrived) return;
    const timer = setTimeout(() => setArrived(null), 8_000);
    return () => clearTimeout(timer);
  }, [arrived]);
  const newest = notifications?.edges[0]?.node.createdAt;
  const unread = notifications?.unreadCount ?? 0;
  return (
    <>
      <details className="bell">
        <summary aria-label={`Notifications, ${unread} unread`}>
          <svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true">
            <path d="M6 17V11a6 6 0 0 1 12 0v6l2 2H4zM10 21h4" />
          </svg>
          {unread > 0 && <span className="badge">{unread}</span>}
        </summary>
        <div className="panel">
          <h2>Notifications</h2>
          {notifications?.edges.length === 0 && <p className="empty">Nothing has happened yet.</p>}
          <ol className="rows">
            {notifications?.edges.map(({ node }) => (
              <li key={node.id} className={node.readAt ? '' : 'unread'}>
                <span className="what">
                  <strong>{node.title}</strong>
                  {node.body}
                  <small>{time.format(new Date(node.createdAt))}</small>
                </span>
              </li>
            ))}
          </ol>
          {error && !data && (
            <button type="button" className="quiet" onClick={() => void refetch().catch(() => undefined)}>
              Load them
            </button>
          )}
          {unread > 0 && newest && (
            <button type="button" className="quiet" onClick={() => void markAllRead({ variables: { before: newest } })}>
              Mark all as read
            </button>
          )}
        </div>
      </details>
      <div className="toasts" role="status">
        {arrived && (
          <p className="toast">
            <strong>{arrived.title}</strong>
            {arrived.body}
          </p>
        )}
      </div>
    </>
  );
}
