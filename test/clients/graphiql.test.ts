import type { Page } from 'playwright-core';
import { afterAll, describe, expect, test } from 'vitest';
import { openBrowser } from '../support/browser.ts';
import { tokenIn, waitForMail } from '../support/mailbox.ts';
import { anAddress, password, useApp } from '../support/world.ts';

const app = useApp();
const browser = await openBrowser();
afterAll(() => browser?.close());

describe.runIf(browser)('the journey in GraphiQL', () => {
  test('goes by hand from register to viewer, and no request leaves the machine', { timeout: 90_000 }, async () => {
    const page = await browser?.newPage({ viewport: { width: 1300, height: 900 } });
    if (!page) throw new Error('the browser has gone');
    const asked = new Set<string>();
    page.on('request', (request) => asked.add(new URL(request.url()).origin));
    await page.goto(`${app.url}/graphql`);

    const email = anAddress();
    await run(
      page,
      `mutation { register(input: { name: "Ada", email: "${email}", password: "${password}" }) { __typename } }`,
    );
    await shows(page, 'RegistrationPending');
    const token = tokenIn(await waitForMail(app, { to: email }));
    await run(page, `mutation { verifyEmail(input: { token: "${token}" }) { __typename } }`);
    await shows(page, 'EmailVerified');
    await run(
      page,
      `mutation { login(input: { email: "${email}", password: "${password}" }) { ... on SignedIn { accessToken } } }`,
    );
    await shows(page, 'accessToken');
    // Lines that are too long are broken and indented, so the token is taken out without its white space.
    const accessToken = /"accessToken": *"([^"]+)"/.exec(await answer(page))?.[1]?.replace(/\s/g, '');

    await write(page, 'Headers', JSON.stringify({ authorization: `Bearer ${accessToken}` }));
    await run(page, '{ viewer { email activeOrganization { name viewerRole members { edges { node { role } } } } } }');
    await shows(page, 'Ada’s organization');
    expect(await answer(page)).toContain(email);

    await page.goto(`${app.url}/dev/mailbox`);
    await page.getByText(email).first().waitFor();
    expect([...asked].filter((origin) => origin !== 'null')).toEqual([app.url]);
  });
});

async function run(page: Page, operation: string): Promise<void> {
  await write(page, 'Operation Editor', operation);
  await page.getByRole('button', { name: 'Execute query' }).click();
}

/** Replaces what an editor holds, as somebody who pastes does. */
async function write(page: Page, section: string, text: string): Promise<void> {
  const editor = page.getByRole('region', { name: section }).locator('.monaco-editor').locator('visible=true').first();
  await editor.click();
  await page.keyboard.press('ControlOrMeta+A');
  await page.keyboard.insertText(text);
  // The editor closes a quote or a brace by itself behind the cursor.
  await page.keyboard.press('ControlOrMeta+Shift+End');
  await page.keyboard.press('Delete');
}

const shows = (page: Page, text: string) => expect.poll(() => answer(page), { timeout: 15_000 }).toContain(text);

/** Monaco breaks long lines and writes spaces as no-break spaces. */
async function answer(page: Page): Promise<string> {
  const lines = await page.locator('.result-window .view-lines').allInnerTexts();
  return lines.join('').replaceAll('\n', '').replaceAll('\u00a0', ' ');
}
