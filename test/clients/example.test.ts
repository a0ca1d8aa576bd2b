import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { openBrowser } from '../support/browser.ts';
import { type ExampleApp, startExampleApp } from '../support/example-app.ts';
import {
  aLine,
  button,
  choose,
  countRefreshes,
  fill,
  heading,
  signIn,
  slowDown,
  watchTheBar,
} from '../support/example-pages.ts';
import { mebibyte } from '../support/files.ts';
import { waitForMail } from '../support/mailbox.ts';
import { totp } from '../support/second-factor.ts';
import { anAddress, aPerson, InviteMember, type Person, password } from '../support/world.ts';

vi.setConfig({ testTimeout: 120_000 });

const browser = await openBrowser();
let example: ExampleApp;
const contexts: BrowserContext[] = [];
/** What a developer would see in red: errors, and what a policy kept from loading. */
const complaints: string[] = [];

beforeAll(async () => {
  if (browser) example = await startExampleApp();
});
afterEach(async () => {
  for (const context of contexts.splice(0)) await context.close();
  expect(complaints.splice(0)).toEqual([]);
});
afterAll(async () => {
  await browser?.close();
  await example?.close();
});

/** A browser of somebody's own, with one tab. */
async function aWindow(): Promise<Page> {
  const context = await (browser as Browser).newContext({ viewport: { width: 1280, height: 860 } });
  contexts.push(context);
  context.on('console', (message) => {
    // The only word of a browser that nobody can keep it from: that an access token has run out, or a file was refused.
    const isAnswer = /status of (401|415)/.test(message.text());
    if (message.type() === 'error' && !isAnswer) complaints.push(message.text());
  });
  context.on('weberror', (error) => complaints.push(String(error.error())));
  return aTab(context);
}

async function aTab(context: BrowserContext): Promise<Page> {
  const page = await context.newPage();
  await page.goto(example.url);
  return page;
}

async function aSignedInWindow(person: Person): Promise<Page> {
  const page = await aWindow();
  await signIn(page, person);
  await heading(page, /Members/).waitFor();
  return page;
}

/** Lets time go by for the program, and with it for every token and code. */
function pass(seconds: number): void {
  const { config } = example.api.platform;
  Object.assign(config, { clockOffsetSeconds: config.clockOffsetSeconds + seconds });
}

/** A code of an authenticator that was not used before. */
function nextCode(secret: string): string {
  pass(30);
  return totp(secret, Math.floor(example.api.platform.now().getTime() / 30_000));
}

async function linkTo(email: string, subject: string): Promise<string> {
  const { text } = await waitForMail(example.api, { to: email, subject });
  return /https?:\/\/\S+token=\S+/.exec(text)?.[0] ?? '';
}

describe.runIf(browser)('the example application', () => {
  test('shows refusals at their fields, and leads from the form over the mailbox to the first page', async () => {
    const page = await aWindow();
    const email = anAddress();
    await page.getByRole('link', { name: 'Create an account' }).click();
    await fill(page, { Name: 'Ada', Email: 'nonsense', Password: 'short' });
    await button(page, 'Create account').click();
    await expect.poll(() => page.getByLabel('Email').getAttribute('aria-invalid')).toBe('true');
    const note = await page.getByLabel('Password').getAttribute('aria-describedby');
    expect(await page.locator(`[id="${note}"]`).innerText()).toContain('at least 15 characters');
    expect(await page.getByLabel('Email').evaluate((field) => field === document.activeElement)).toBe(true);

    await fill(page, { Email: email, Password: password });
    await button(page, 'Create account').click();
    await waitForMail(example.api, { to: email });
    const [mailbox] = await Promise.all([
      page.waitForEvent('popup'),
      page.getByRole('link', { name: 'Look into the mailbox' }).click(),
    ]);
    const [confirmation] = await Promise.all([
      mailbox.waitForEvent('popup'),
      mailbox.locator('pre').getByRole('link').first().click(),
    ]);
    await button(confirmation, 'Confirm address').click();
    await confirmation.getByRole('link', { name: 'Go to sign-in' }).click();
    await signIn(confirmation, { email });
    await heading(confirmation, /Members/).waitFor();
    // The other tab was asked for nothing, and is signed in as well.
    await heading(page, /Members/).waitFor();
  });

  test('enrols a second factor, asks for it at the next sign-in, and for a fresh proof where it is needed', async () => {
    const ada = await aPerson(example.api);
    const page = await aSignedInWindow(ada);
    await page.getByRole('link', { name: 'Security' }).click();
    await button(page, 'Set up an authenticator').click();
    const secret = await page.locator('.secret').innerText();
    await fill(page, { Code: '000000' });
    await button(page, 'Turn on').click();
    await page.locator('.issue').waitFor();
    await fill(page, { Code: nextCode(secret) });
    await button(page, 'Turn on').click();
    const codes = page.getByRole('list', { name: 'Backup codes' }).getByRole('listitem');
    await expect.poll(() => codes.count()).toBe(10);
    const first = await codes.first().innerText();
    await button(page, 'I have kept them').click();
    await page.getByText('10 backup codes are left').waitFor();
    expect(await page.getByText(first).count()).toBe(0);

    await button(page, 'Sign out').click();
    await signIn(page, ada);
    await fill(page, { Code: nextCode(secret) });
    await button(page, 'Continue').click();
    await page.getByText('10 backup codes are left').waitFor();

    // More than the ten minutes of a proof, and than the five of an access token.
    pass(660);
    await button(page, 'Make new backup codes').click();
    const dialog = page.getByRole('dialog', { name: 'Is it you?' });
    await dialog.getByLabel('Password').fill('not the password');
    await dialog.getByRole('button', { name: 'Continue' }).click();
    await dialog.locator('.issue').waitFor();
    await dialog.getByLabel('Password').fill(password);
    await dialog.getByLabel('Code').fill(nextCode(secret));
    await dialog.getByRole('button', { name: 'Continue' }).click();
    await expect.poll(() => codes.count()).toBe(10);
    expect(await codes.first().innerText()).not.toBe(first);
  });

  test('invites a person, who accepts in another browser, and tells of it without a reload', async () => {
    const [ada, grace] = [await aPerson(example.api), await aPerson(example.api, { name: 'Grace' })];
    const page = await aSignedInWindow(ada);
    await fill(page, { Email: grace.email });
    await button(page, 'Send invitation').click();
    await page.getByText('The invitation is on its way.').waitFor();
    await page.getByText(grace.email).waitFor();

    const other = await aWindow();
    await other.goto(await linkTo(grace.email, 'invites'));
    await other.getByText('Ada invites').waitFor();
    await signIn(other, grace);
    await button(other, 'Accept').click();
    await heading(other, /Members/).waitFor();
    const switcher = other.getByLabel('Organization');
    expect(await switcher.locator('option:checked').innerText()).toBe('Ada’s organization');

    await page.locator('.toast').getByText('joined').waitFor();
    await page.getByLabel('Notifications, 1 unread').waitFor();
    await page.getByRole('listitem').filter({ hasText: grace.email }).getByText('member', { exact: true }).waitFor();

    await switcher.selectOption('Grace’s organization');
    await other.getByText('owner', { exact: true }).waitFor();
  });

  test('makes an account by an invitation, with no mail to confirm', async () => {
    const ada = await aPerson(example.api);
    const email = anAddress('grace');
    await ada.send(InviteMember, { input: { organizationId: ada.organizationId, email } });
    const page = await aWindow();
    await page.goto(await linkTo(email, 'invites'));
    await button(page, 'Create an account').click();
    await fill(page, { Name: 'Grace', Email: email, Password: password });
    await button(page, 'Create account').click();
    await button(page, 'Sign in').waitFor();
    await signIn(page, { email });
    await page.getByRole('listitem').filter({ hasText: ada.email }).waitFor();
  });

  test('uploads a file with a bar that moves, says why one is refused, and keeps the trash', async () => {
    const page = await aSignedInWindow(await aPerson(example.api));
    await page.getByRole('link', { name: 'Files' }).click();
    await page.getByText('There is no file yet').waitFor();
    await slowDown(page, 2 * mebibyte);
    await page.evaluate(watchTheBar);
    await choose(page, 'engine.bin', Buffer.alloc(3 * mebibyte, 0xfe));
    await page.getByText('engine.bin is there.').waitFor();
    const shares = await page.evaluate(() => (window as unknown as { shares: number[] }).shares);
    expect(shares.filter((share) => share > 0 && share < 1).length).toBeGreaterThan(2);
    expect(shares).toEqual([...shares].sort((a, b) => a - b));

    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'engine.bin' }).click(),
    ]);
    expect(download.suggestedFilename()).toBe('engine.bin');
    await choose(page, 'tool.exe', Buffer.concat([Buffer.from('MZ'), Buffer.alloc(100)]));
    await page.getByText('Files of this type are not taken.').waitFor();

    await button(page, 'To trash engine.bin').click();
    await page.getByText('There is no file yet').waitFor();
    await button(page, 'Show the trash').click();
    await button(page, 'Restore engine.bin').click();
    await page.getByText('The trash is empty.').waitFor();
    await button(page, 'Back to the files').click();
    await page.getByRole('link', { name: 'engine.bin' }).waitFor();
  });

  test('F22 keeps the session of two tabs whose token runs out at once, and what they listen to', async () => {
    const [ada, host] = [await aPerson(example.api), await aPerson(example.api, { name: 'Host' })];
    const input = { organizationId: host.organizationId, email: ada.email };
    // Behind something that has come there is a cursor to go on from.
    await host.send(InviteMember, { input });
    const first = await aSignedInWindow(ada);
    const second = await aTab(first.context());
    await heading(second, /Members/).waitFor();
    const tabs = [first, second];
    await Promise.all(tabs.map((tab) => tab.getByLabel('Notifications, 1 unread').waitFor()));
    const refreshes = await countRefreshes(first.context(), `${example.apiUrl}/graphql`);
    pass(301);
    await Promise.all(tabs.map((tab) => tab.getByRole('link', { name: 'Files' }).click()));
    await Promise.all(tabs.map((tab) => tab.getByText('There is no file yet').waitFor()));
    await expect.poll(() => refreshes.running).toBe(0);
    expect(refreshes.atOnce).toBe(1);
    expect(refreshes.all).toBeLessThanOrEqual(tabs.length);

    const another = await aPerson(example.api, { name: 'Another' });
    await another.send(InviteMember, { input: { ...input, organizationId: another.organizationId } });
    await Promise.all(tabs.map((tab) => tab.getByLabel('Notifications, 2 unread').waitFor()));
  });

  test('goes on behind the last notification when its socket breaks off, with no gap and no repeat', async () => {
    const [ada, host] = [await aPerson(example.api), await aPerson(example.api, { name: 'Host' })];
    const page = await aWindow();
    const line = await aLine(page);
    await page.reload();
    await signIn(page, ada);
    const invite = async (person: Person) =>
      person.send(InviteMember, { input: { organizationId: person.organizationId, email: ada.email } });
    await page.getByLabel('Notifications, 0 unread').waitFor();
    await invite(host);
    await page.getByLabel('Notifications, 1 unread').waitFor();

    line.cut();
    for (const name of ['Second', 'Third']) await invite(await aPerson(example.api, { name }));
    expect(await page.getByLabel('Notifications, 1 unread').count()).toBe(1);
    line.mend();
    await page.getByLabel('Notifications, 3 unread').click();
    const entries = page.locator('.panel').getByRole('listitem');
    await expect
      .poll(() => entries.allInnerTexts())
      .toEqual(['Third', 'Second', 'Host'].map((name) => expect.stringContaining(name)));
    const afters = line.afters();
    expect(afters.at(0)).toBeNull();
    expect(afters.at(-1)).toEqual(expect.any(String));
  });

  test('signs all tabs out when one is', async () => {
    const first = await aSignedInWindow(await aPerson(example.api));
    const second = await aTab(first.context());
    await heading(second, /Members/).waitFor();
    // The other tab cannot ask, so that it can only have been told.
    const graphqlUrl = `${example.apiUrl}/graphql`;
    await second.route(graphqlUrl, (route) => route.abort());
    await button(first, 'Sign out').click();
    await Promise.all([first, second].map((tab) => heading(tab, 'Sign in').waitFor()));
    await second.unroute(graphqlUrl);
    await second.reload();
    await heading(second, 'Sign in').waitFor();
  });
});
