import { afterAll, describe, expect, test } from 'vitest';
import { openBrowser } from './support/browser.ts';
import { useApp } from './support/world.ts';

const app = useApp();
const browser = await openBrowser();
afterAll(() => browser?.close());

describe.runIf(browser)('the GraphiQL page', () => {
  test('shows the first steps and the whole schema, breaks no policy and loads nothing from elsewhere', async () => {
    const page = await browser?.newPage({ viewport: { width: 1400, height: 900 } });
    if (!page) throw new Error('the browser has gone');
    const elsewhere: string[] = [];
    const complaints: string[] = [];
    page.on('request', (request) => !/^(data|blob):/.test(request.url()) && elsewhere.push(request.url()));
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));

    await page.goto(app.url);
    await page.locator('.graphiql-query-editor').getByText('Welcome to Gatehouse').waitFor();
    await page
      .getByRole('button', { name: /documentation explorer/i })
      .first()
      .click();
    await page.locator('.graphiql-plugin').getByText('Mutation', { exact: true }).waitFor();

    expect(elsewhere.filter((url) => new URL(url).origin !== app.url)).toEqual([]);
    expect(complaints).toEqual([]);
  }, 60_000);
});
