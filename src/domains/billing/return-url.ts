/**
 * A page of the app that Stripe may send people back to, in the form in which it is compared. Null unless it is on `appUrl`:
 * the same origin, and its path or one below it. A query is allowed: Stripe fills in its `{CHECKOUT_SESSION_ID}`.
 */
export function parseReturnUrl(appUrl: string, value: string): string | null {
  if (!URL.canParse(value)) return null;
  const url = new URL(value);
  const app = new URL(appUrl);
  const isBelow = url.pathname === app.pathname || url.pathname.startsWith(app.pathname.replace(/\/?$/, '/'));
  // Servers differ on encoded slashes.
  const isPlain = !url.username && !url.password && !/%(2f|5c)/i.test(url.pathname);
  return url.origin === app.origin && isBelow && isPlain && value.length <= 2_000 ? url.href : null;
}
