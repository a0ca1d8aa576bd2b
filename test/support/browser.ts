import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** A headless Chromium; null, and said loudly, on a machine that has none. */
export async function openBrowser(): Promise<Browser | null> {
  const executablePath = places.find((place) => existsSync(place));
  if (executablePath) return chromium.launch({ executablePath, args: ['--no-sandbox'] });
  console.warn('\n!!! There is no Chromium on this machine: what needs a browser was NOT tested. !!!\n');
  return null;
}
