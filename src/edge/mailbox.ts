import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { type KeptMail, keptMails, mailboxFolder } from '../platform/mailbox.ts';
import type { Platform } from '../platform/platform.ts';
import { type Handler, reading, sendJson } from './answers.ts';
import { mailboxPage } from './mailbox-page.ts';

const pagePolicy =
  "default-src 'none'; img-src data:; frame-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/** A mail styles itself inline, runs nothing, loads nothing, and opens its links in a tab of their own. */
const mailPolicy =
  "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox";

/**
 * `GET /dev/mailbox` and `/dev/mailbox.json`, both with an optional `?to=address`. Null where there is no mailbox: in
 * production, and when mail goes to a real server.
 */
export function mailboxRoute({ config }: Platform): Handler | null {
  if (config.isProduction || config.smtpUrl !== null) return null;
  const folder = mailboxFolder(config.dataDir);
  return reading(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const to = url.searchParams.get('to')?.toLowerCase();
    const mails = (await keptMails(folder)).filter((mail) => to === undefined || mail.to.toLowerCase() === to);
    response.setHeader('cache-control', 'no-store');
    answer(response, url, mails);
  });
}

function answer(response: ServerResponse, url: URL, mails: KeptMail[]): void {
  const framed = url.searchParams.get('html');
  if (url.pathname.endsWith('.json')) {
    const list = mails.map(({ id, ...mail }) => mail);
    sendJson(response, 200, list);
  } else if (framed !== null) {
    const html = mails.find((mail) => mail.id === framed)?.html ?? 'This mail is gone.';
    sendHtml(response, html.replace('<head>', '<head><base target="_blank">'), mailPolicy);
  } else {
    const nonce = randomBytes(16).toString('base64');
    const sources = `'nonce-${nonce}'`;
    sendHtml(
      response,
      mailboxPage({ mails, url, nonce }),
      `${pagePolicy}; style-src ${sources}; script-src ${sources}`,
    );
  }
}

/** The addresses of these pages and their links hold tokens: no referrer. */
function sendHtml(response: ServerResponse, html: string, contentSecurityPolicy: string): void {
  const headers = {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': contentSecurityPolicy,
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  };
  response.writeHead(200, headers).end(html);
}
