import { useSyncExternalStore } from 'react';

const listeners = new Set<() => void>();

/** Goes to another page of this application without loading it anew. */
export function navigate(path: string): void {
  history.pushState(null, '', path);
  for (const listener of listeners) listener();
}

/** The path of the page, and `token` of a mailed link. */
export function usePath(): { readonly path: string; readonly token: string | null } {
  const path = useSyncExternalStore(subscribe, () => location.pathname);
  return { path, token: new URLSearchParams(location.search).get('token') };
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  addEventListener('popstate', listener);
  return () => {
    listeners.delete(listener);
    removeEventListener('popstate', listener);
  };
}
