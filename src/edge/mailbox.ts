import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type KeptMail, keptMails, mailboxFolder } from '../platform/mailbox.ts';
import type { Platform } from '../platform/platform.ts';
import { mailboxPage } from './mailbox-page.ts';

type Route = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

const pagePolicy =
  "default-src 'none'; img-src data:; frame-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/** A mail styles itself inline, runs nothing, loads nothing, and opens its links in a tab of their own. */
const mailPolicy =
  "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox";

/**
 * `GET /dev/mailbox` and `/dev/mailbox.json`, both with an optional `?to=address`. Null where there is no mailbox: in
 * production, and when mail goes to a real server.
 */
export function mailboxRoute({ config }: Platform): Route | null {
  if (config.isProduction || config.smtpUrl !== null) return null;
  const folder = mailboxFolder(config.dataDir);
  return async (request, response) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405, { allow: 'GET, HEAD' }).end();
      return;
    }
    const url = new URL(request.url ?? '/', 'http://localhost');
    const to = url.searchParams.get('to')?.toLowerCase();
    const mails = (await keptMails(folder)).filter((mail) => to === undefined || mail.to.toLowerCase() === to);
    answer(response, url, mails);
  };
}

function answer(response: ServerResponse, url: URL, mails: KeptMail[]): void {
  const bodyOf = url.searchParams.get('html');
  if (url.pathname.endsWith('.json')) {
    const list = mails.map(({ id, ...mail }) => mail);
    send(response, 'application/json', JSON.stringify(list));
  } else if (bodyOf !== null) {
    response.setHeader('content-security-policy', mailPolicy);
    const html = mails.find((mail) => mail.id === bodyOf)?.html ?? 'This mail is gone.';
    send(response, 'text/html', html.replace('<head>', '<head><base target="_blank">'));
  } else {
    const nonce = randomBytes(16).toString('base64');
    const sources = `'nonce-${nonce}'`;
    response.setHeader('content-security-policy', `${pagePolicy}; style-src ${sources}; script-src ${sources}`);
    send(response, 'text/html', mailboxPage({ mails, url, nonce }));
  }
}

function send(response: ServerResponse, type: string, body: string): void {
  response.writeHead(200, {
    'content-type': `${type}; charset=utf-8`,
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  });
  response.end(body);
}
