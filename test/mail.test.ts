import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type Config, readConfig } from '../src/config.ts';
import { type Ctx, systemCtx } from '../src/context.ts';
import { appLink } from '../src/domains/mail/mail.links.ts';
import * as templates from '../src/domains/mail/mail.templates.ts';
import { mailboxRoute } from '../src/edge/mailbox.ts';
import { enqueue } from '../src/jobs/queue.ts';
import { keepMail, keptMails, mailboxFolder } from '../src/platform/mailbox.ts';
import { createMailer } from '../src/platform/mailer.ts';
import { cloneDatabase } from './support/database.ts';
import { startJobs } from './support/jobs.ts';
import { tokenIn, waitForMail } from './support/mailbox.ts';
import { startPostOffice } from './support/post-office.ts';
import { anAddress, callerWith, password, Register, useApp, VerifyEmail } from './support/world.ts';

const app = useApp();
const toClose: (() => unknown)[] = [];

afterEach(async () => {
  for (let close = toClose.pop(); close; close = toClose.pop()) await close();
});

async function aMailServer(refuse?: () => number | null) {
  const office = await startPostOffice(refuse);
  toClose.push(office.close);
  return office;
}

function mailerTo(url: string) {
  const config = readConfig({ SMTP_URL: url, MAIL_FROM: 'Gatehouse <no-reply@gatehouse.example>' });
  const mailer = createMailer(config, () => new Date());
  toClose.push(mailer.close);
  return mailer;
}

const mail = { to: 'ada@example.com', subject: 'Schöne Grüße', text: 'plain: ä', html: '<p>rich: ä</p>' };

describe('mail over SMTP', () => {
  test('arrives with its plain text and its HTML form', async () => {
    const { url, deliveries } = await aMailServer();

    await mailerTo(url).send({ ...mail, messageId: '<greeting-1@gatehouse.example>' });

    const [delivery] = deliveries;
    expect(deliveries).toHaveLength(1);
    expect(delivery?.recipients).toEqual(['ada@example.com']);
    expect(delivery?.headers).toMatch(/^From: Gatehouse <no-reply@gatehouse\.example>$/m);
    expect(delivery?.headers).toMatch(/^To: ada@example\.com$/m);
    expect(delivery?.headers).toMatch(/^Subject: =\?UTF-8\?Q\?Sch=C3=B6ne_Gr=C3=BC=C3=9Fe\?=$/m);
    expect(delivery?.headers).toMatch(/^Message-ID: <greeting-1@gatehouse\.example>$/m);
    expect(delivery?.headers).toMatch(/^Auto-Submitted: auto-generated$/m);
    expect(delivery?.body).toMatch(/Content-Type: text\/plain.+plain: ä.+Content-Type: text\/html.+<p>rich: ä<\/p>/s);
  });

  test.each([
    'ada@example.com, mallory@example.com',
    'ada@example.com;mallory@example.com',
    'ada@example.com\r\nBcc: mallory@example.com',
    'Ada <mallory@example.com>',
    'list: ada@example.com;',
    '',
  ])('is not sent to anything but one bare address: %j', async (to) => {
    const { url, deliveries } = await aMailServer();

    await expect(mailerTo(url).send({ ...mail, to })).rejects.toThrow('exactly one bare address');
    expect(deliveries).toEqual([]);
  });

  test('takes no further header or recipient from a name or a subject', async () => {
    const { url, deliveries } = await aMailServer();
    const name = 'Ada\r\nBcc: mallory@example.com\r\n\r\nBuy now';
    const invitation = {
      inviterName: name,
      organizationName: name,
      role: 'MEMBER',
      link: 'https://app.example',
    } as const;
    const mailer = mailerTo(url);

    await mailer.send({ ...mail, subject: `Hello ${name}` });
    await mailer.send({ to: mail.to, ...templates.invitation({ ...invitation, expiresAt: new Date() }) });

    expect(deliveries.map((delivery) => delivery.recipients)).toEqual([[mail.to], [mail.to]]);
    for (const { headers } of deliveries) expect(headers).not.toMatch(/^Bcc/im);
  });

  test('is tried again by its job when the server refuses it', async () => {
    const replies = [451, null];
    const { url, deliveries } = await aMailServer(() => replies.shift() ?? null);
    const database = await cloneDatabase();
    toClose.push(database.drop);
    const handlers = { 'invitation.sendEmail': (ctx: Ctx) => ctx.platform.mailer.send(mail) };
    const jobs = await startJobs(database.url, handlers, { SMTP_URL: url, JOB_RETRY_DELAY_SECONDS: '0' });
    toClose.push(jobs.stop);

    await enqueue(jobs.ctx, 'invitation.sendEmail', { invitationId: randomUUID() });

    await vi.waitFor(() => expect(jobs.logLines.at(-1)?.outcome).toBe('done'), { timeout: 5_000 });
    expect(jobs.logLines[0]).toMatchObject({ outcome: 'retried', err: { responseCode: 451 } });
    expect(deliveries).toHaveLength(1);
  });

  test('is given up at once when its job is aborted', async () => {
    const mute = createServer().listen(0, '127.0.0.1');
    toClose.push(() => mute.close());
    await once(mute, 'listening');
    const aborted = new AbortController();
    const { port } = mute.address() as AddressInfo;

    const sending = mailerTo(`smtp://127.0.0.1:${port}`).send(mail, aborted.signal);
    await once(mute, 'connection');
    aborted.abort();

    await expect(sending).rejects.toThrow(/abort/i);
  });
});

describe('a mail', () => {
  const link = 'https://app.example/verify-email?token=a&b';

  test('shows a name as text in both forms', () => {
    const { text, html } = templates.verifyEmail({ name: '<img src=x onerror=alert(1)> & Co', link });

    expect(html).toContain('Hello &lt;img src=x onerror=alert(1)&gt; &amp; Co,');
    expect(html).not.toContain('<img');
    expect(html).toContain('href="https://app.example/verify-email?token=a&amp;b"');
    expect(text).toContain('Hello <img src=x onerror=alert(1)> & Co,');
    expect(text).toContain(`\n${link}\n`);
  });

  test('makes no link and no long story of a name', () => {
    const { text } = templates.verifyEmail({ name: `win at http://evil.example/prize ${'!'.repeat(500)}`, link });

    expect(text.match(/https?:\/\/[^\s\u2060]+/g)).toEqual([link]);
    expect(text).not.toContain('evil.example');
    expect(text.split('\n')[0]?.length).toBeLessThan(120);
  });

  test('loads nothing from elsewhere', () => {
    const { html } = templates.alreadyRegistered({ name: 'Ada', appUrl: 'https://app.example' });

    expect(html).not.toMatch(/<(img|link|script|iframe)\b|url\(|@import/);
  });

  test('F07 leads to PUBLIC_APP_URL', () => {
    const config = readConfig({ PUBLIC_APP_URL: 'https://app.example/gate/', CORS_ORIGINS: 'https://other.example' });

    expect(appLink(config, '/verify-email', 'a+b/c')).toBe('https://app.example/gate/verify-email?token=a%2Bb%2Fc');
  });

  test('F07 takes no part of its link from a forged header', async () => {
    const email = anAddress();
    const forged = { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https', origin: 'https://evil.example' };

    await callerWith(app).send(Register, { input: { email, password, name: 'Ada' } }, forged);

    const { text, html } = await waitForMail(app, { to: email });
    expect(text).toContain('http://localhost:3000/verify-email?token=');
    expect(text + html).not.toContain('evil.example');
  });

  test('sent twice by the same job leaves the link of the later one good', async () => {
    const email = anAddress();
    await callerWith(app).send(Register, { input: { email, password, name: 'Ada' } });
    const first = await waitForMail(app, { to: email });
    const { id: userId } = await app.platform.db.user.findUniqueOrThrow({ where: { email } });

    await enqueue(systemCtx(app.platform), 'account.sendVerificationEmail', { userId });

    const second = await waitForMail(app, { to: email, count: 2 });
    const verify = async (token: string) =>
      (await callerWith(app).send(VerifyEmail, { token })).data.verifyEmail.__typename;
    expect(await verify(tokenIn(first))).toBe('InvalidToken');
    expect(await verify(tokenIn(second))).toBe('EmailVerified');
  });
});

describe('the mailbox', () => {
  test('shows a mail on its page and as JSON, and what a name holds stays text', async () => {
    const email = anAddress();
    await callerWith(app).send(Register, { input: { email, password, name: '<script>alert(1)</script>' } });
    const mail = await waitForMail(app, { to: email.toUpperCase() });

    const page = await fetch(`${app.url}/dev/mailbox?to=${email}`);
    const html = await page.text();

    expect(Object.keys(mail).toSorted()).toEqual(['createdAt', 'html', 'subject', 'text', 'to']);
    expect(page.headers.get('content-security-policy')).toMatch(/^default-src 'none';.*script-src 'nonce-[^']+'$/);
    expect(html).toContain(mail.subject);
    expect(html).toContain('&lt;script&gt;alert(1)');
    expect(html).not.toContain('<script>alert');

    const [, framed] = /<iframe [^>]*src="([^"]+)"/.exec(html) ?? [];
    const frame = await fetch(`${app.url}/dev/mailbox${framed}`);
    expect(frame.headers.get('content-security-policy')).toMatch(/^default-src 'none';.* sandbox allow-popups/);
    expect(await frame.text()).toBe(mail.html.replace('<head>', '<head><base target="_blank">'));
  });

  test('is not there when mail goes to a server', async () => {
    const { platform } = app;
    const at = (config: Partial<Config>) => mailboxRoute({ ...platform, config: { ...platform.config, ...config } });

    expect(at({ smtpUrl: 'smtp://127.0.0.1' })).toBeNull();
    expect(at({ isProduction: true })).toBeNull();
    expect(at({})).not.toBeNull();
  });

  test('keeps the newest 500 mails, readable by nobody else', async () => {
    const dataDir = await mkdtemp(path.join(tmpdir(), 'gatehouse-mailbox-'));
    toClose.push(() => rm(dataDir, { recursive: true }));
    const folder = mailboxFolder(dataDir);

    for (let number = 1; number <= 502; number += 1) {
      await keepMail(folder, { ...mail, subject: `${number}`, createdAt: new Date().toISOString() });
    }

    const subjects = (await keptMails(folder)).map(({ subject }) => Number(subject));
    expect(subjects).toEqual(Array.from({ length: 500 }, (_, index) => 502 - index));
    const files = await Promise.all((await readdir(folder)).map((name) => stat(path.join(folder, name))));
    expect(new Set(files.map((file) => file.mode & 0o777))).toEqual(new Set([0o600]));
  });
});
