import { graphql } from './generated/gql.ts';
import { post } from './post.ts';

/** Who is signed in. The access token lives in memory only; what renews it is a cookie that no script can read. */
export type Session =
  | { readonly status: 'starting' | 'unreachable' | 'signedOut' }
  | { readonly status: 'signedIn'; readonly accessToken: string; readonly viewerId: string };

const Refresh = graphql(`
  mutation Refresh {
    refreshSession { __typename ... on SignedIn { accessToken viewer { id } } }
  }
`);

const tries = 3;
const raceMs = 300;

let session: Session = { status: 'starting' };
let refreshing: Promise<string | null> | null = null;
const listeners = new Set<() => void>();
const otherTabs = new BroadcastChannel('session');
otherTabs.onmessage = ({ data }: MessageEvent<Session>) => become(data);

/** The session as it is now; the same object until it changes. */
export const currentSession = (): Session => session;

/** The access token, good or not; null without one. */
export const accessToken = (): string | null => (session.status === 'signedIn' ? session.accessToken : null);

/** Calls `listener` after each change, also one that another tab has made. @returns what ends that */
export function subscribeToSession(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Takes what `login` and `verifyMfaChallenge` answer, for all tabs. */
export function signedIn(tokens: { accessToken: string; viewer: { id: string } }): string {
  tellAll({ status: 'signedIn', accessToken: tokens.accessToken, viewerId: tokens.viewer.id });
  return tokens.accessToken;
}

/** Forgets the session, in all tabs. */
export function signedOut(): void {
  tellAll({ status: 'signedOut' });
}

/** Brings back the session of the cookie, if there is one. */
export async function startSession(): Promise<void> {
  await refreshToken(null).catch(() => become({ status: 'unreachable' }));
}

/**
 * A token in place of `spent`; null when the session is over. One refresh at a time: within a tab by sharing the promise,
 * between tabs by a lock. Whoever had to wait takes the token that the first one got.
 * @throws when the server cannot be reached, which is no reason to sign anybody out
 */
export function refreshToken(spent: string | null): Promise<string | null> {
  refreshing ??= navigator.locks
    .request('refresh-session', () => refreshUnlessDone(spent))
    .finally(() => {
      refreshing = null;
    });
  return refreshing;
}

async function refreshUnlessDone(spent: string | null): Promise<string | null> {
  const current = accessToken();
  if (current !== null && current !== spent) return current;
  for (let attempt = 1; attempt <= tries; attempt++) {
    const { refreshSession } = await post(Refresh);
    if (refreshSession.__typename === 'SignedIn') return signedIn(refreshSession);
    // A person may have signed in by now, here or in another tab, while this question was on its way.
    if (refreshSession.__typename === 'SessionEnded' && accessToken() !== current) return accessToken();
    if (refreshSession.__typename === 'SessionEnded') break;
    // Another program in this browser was faster. Its cookie is ours too, once its answer has arrived.
    await new Promise((resolve) => setTimeout(resolve, attempt * raceMs));
  }
  // Other tabs find out by themselves: what is over for this question need not be over for a later one.
  become({ status: 'signedOut' });
  return null;
}

function tellAll(next: Session): void {
  otherTabs.postMessage(next);
  become(next);
}

function become(next: Session): void {
  session = next;
  for (const listener of listeners) listener();
}
