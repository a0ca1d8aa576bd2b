/**
 * The page of the app that a provider sends people back to, in the form in which URLs are compared. Null unless it is on
 * `appUrl`: the same origin, and its path or one below it.
 */
export function parseRedirectUri(appUrl: string, value: string): string | null {
  if (!URL.canParse(value)) return null;
  const url = new URL(value);
  const app = new URL(appUrl);
  const folder = app.pathname.replace(/\/?$/, '/');
  const isBelow = url.pathname === app.pathname || url.pathname.startsWith(folder);
  // What the provider adds must be all that the page is given, and servers differ on encoded slashes.
  const isPlain = !url.username && !url.password && !/[?#]/.test(value) && !/%(2f|5c)/i.test(url.pathname);
  return url.origin === app.origin && isBelow && isPlain ? url.href : null;
}
