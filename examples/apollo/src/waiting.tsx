import { messageOf } from './client.ts';

/** In the place of something that is not there yet, or that could not be had. */
export function Waiting({ error, retry }: { readonly error?: unknown; readonly retry: () => Promise<unknown> }) {
  if (!error) return <div className="skeleton" role="status" aria-label="Loading" />;
  return (
    <div className="failed" role="alert">
      <p>{messageOf(error)}</p>
      <button type="button" onClick={() => void retry().catch(() => undefined)}>
        Try again
      </button>
    </div>
  );
}
