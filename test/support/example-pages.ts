import type { BrowserContext, Page, WebSocketRoute } from 'playwright-core';
import { password } from './world.ts';

/** A button of a page, by its name. */
export const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name });
/** A heading of a page, by its name. */
export const heading = (page: Page, name: string | RegExp) => page.getByRole('heading', { name });

/** Fills the fields of a form, by their labels. */
export async function fill(page: Page, values: Record<string, string>): Promise<void> {
  for (const [label, value] of Object.entries(values)) await page.getByLabel(label, { exact: true }).fill(value);
}

/** Gives address and password, and lets them be judged. */
export async function signIn(page: Page, { email }: { email: string }): Promise<void> {
  await fill(page, { Email: email, Password: password });
  await button(page, 'Sign in').click();
}

/** Lets bytes out of a tab only so fast. */
export async function slowDown(page: Page, bytesPerSecond: number): Promise<void> {
  const devtools = await page.context().newCDPSession(page);
  const conditions = { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: bytesPerSecond };
  await devtools.send('Network.enable');
  await devtools.send('Network.emulateNetworkConditions', conditions);
}

/** Chooses a file, which uploads it. */
export const choose = (page: Page, name: string, buffer: Buffer) =>
  page.locator('input[type=file]').setInputFiles({ name, mimeType: 'application/octet-stream', buffer });

/** Runs in the page: notes every state of the bar. */
export function watchTheBar(): void {
  const shares: number[] = [];
  const look = () => {
    const bar = document.querySelector('progress');
    if (bar && bar.value !== shares.at(-1)) shares.push(bar.value);
  };
  new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributes: true });
  Object.assign(window, { shares });
}

/** The sockets of a tab, which can be cut. */
export async function aLine(page: Page) {
  let isCut = false;
  const open = new Set<WebSocketRoute>();
  const messages: string[] = [];
  await page.routeWebSocket(/\/graphql$/, (socket) => {
    if (isCut) return void socket.close({ code: 1001 });
    const server = socket.connectToServer();
    open.add(socket);
    socket.onMessage((message) => {
      messages.push(String(message));
      server.send(message);
    });
  });
  return {
    cut() {
      isCut = true;
      for (const socket of open) void socket.close({ code: 1001 });
    },
    mend() {
      isCut = false;
    },
    /** The cursors that it has subscribed behind, in order. */
    afters: () =>
      messages.filter((text) => text.includes('"subscribe"')).map((text) => JSON.parse(text).payload.variables.after),
  };
}

/** Counts refreshes of all tabs, and how many of them were on their way at once. */
export async function countRefreshes(context: BrowserContext, graphqlUrl: string) {
  const count = { all: 0, running: 0, atOnce: 0 };
  await context.route(graphqlUrl, async (route) => {
    if (!route.request().postData()?.includes('refreshSession')) return route.continue();
    count.all += 1;
    count.running += 1;
    count.atOnce = Math.max(count.atOnce, count.running);
    const response = await route.fetch();
    count.running -= 1;
    await route.fulfill({ response });
  });
  return count;
}
