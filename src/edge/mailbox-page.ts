import { escapeHtml } from '../platform/html.ts';
import type { KeptMail } from '../platform/mailbox.ts';

interface Mailbox {
  /** Newest first. */
  readonly mails: readonly KeptMail[];
  /** As the browser asked for it: `?mail=id` opens a mail; without it the newest is open. */
  readonly url: URL;
  readonly nonce: string;
}

/** The page that shows the mails of development. Without script it works too but does not look for new mail. */
export function mailboxPage({ mails, url, nonce }: Mailbox): string {
  const open = mails.find((mail) => mail.id === url.searchParams.get('mail')) ?? mails[0];
  const to = url.searchParams.get('to');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Mailbox</title>
<link rel="icon" href="data:,">
<style nonce="${nonce}">${styles}</style>
</head>
<body>
<nav data-shows="${mails[0]?.id ?? ''} ${open?.id ?? ''}">
<h1>Mailbox</h1>
<p>${mails.length === 0 ? 'Mails of this installation appear here. Nothing leaves this machine.' : counted(mails.length, to)}</p>
<ol>${mails.map((mail) => entry(mail, mail === open, to)).join('\n')}</ol>
</nav>
<main data-shows="${open?.id ?? ''}">${open ? opened(open) : '<p class="empty">No mail yet.</p>'}</main>
<script nonce="${nonce}">${refresh}</script>
</body>
</html>
`;
}

function counted(count: number, to: string | null): string {
  return `${count} ${count === 1 ? 'mail' : 'mails'}${to === null ? '' : ` to ${escapeHtml(to)}, <a href="?">show all</a>`}`;
}

function entry(mail: KeptMail, isOpen: boolean, to: string | null): string {
  const target = new URLSearchParams({ mail: mail.id, ...(to !== null && { to }) });
  return `<li><a href="?${escapeHtml(target.toString())}"${isOpen ? ' aria-current="true"' : ''}>
<strong>${escapeHtml(mail.subject)}</strong><span>${escapeHtml(mail.to)}</span>${time(mail)}</a></li>`;
}

function opened(mail: KeptMail): string {
  return `<header><h2>${escapeHtml(mail.subject)}</h2>
<p>to <a href="?${escapeHtml(new URLSearchParams({ to: mail.to }).toString())}">${escapeHtml(mail.to)}</a> · ${time(mail)}</p></header>
<div class="forms">
<iframe title="The mail as HTML" src="?html=${mail.id}" sandbox="allow-popups allow-popups-to-escape-sandbox"></iframe>
<pre aria-label="The mail as plain text">${linked(mail.text)}</pre>
</div>`;
}

function time({ createdAt }: KeptMail): string {
  return `<time datetime="${createdAt}">${createdAt.slice(0, 19).replace('T', ' ')} UTC</time>`;
}

function linked(text: string): string {
  const anchor = (link: string) => `<a href="${link}" target="_blank" rel="noopener noreferrer">${link}</a>`;
  return escapeHtml(text).replace(/https?:\/\/[^\s<>]+/g, anchor);
}

/** Looks for new mail every two seconds and exchanges only what shows something else, so that reading is not disturbed. */
const refresh = `
setInterval(async () => {
  if (document.hidden) return;
  const answer = await fetch(location.href).catch(() => null);
  if (!answer?.ok) return;
  const plain = (await answer.text()).replace(/<style[^]*?<.style>/, '');
  const fresh = new DOMParser().parseFromString(plain, 'text/html');
  for (const part of ['nav', 'main']) {
    const [old, now] = [document.querySelector(part), fresh.querySelector(part)];
    if (now && old.dataset.shows !== now.dataset.shows) old.replaceWith(now);
  }
}, 2000);
`;

const styles = `
:root { color-scheme: light dark; --ink: light-dark(#1d2a22, #e8ebe7); --quiet: light-dark(#66736a, #9ba69d);
  --paper: light-dark(#fff, #1d211e); --ground: light-dark(#f3f5f2, #131613); --rule: light-dark(#e1e6e0, #2e352f);
  --accent: light-dark(#1f5c3d, #8fd0a5); --chosen: light-dark(#e6efe8, #24332a); }
* { box-sizing: border-box; margin: 0; }
body { display: grid; grid-template-columns: minmax(240px, 340px) 1fr; height: 100vh; color: var(--ink);
  background: var(--ground); font: 15px/1.5 system-ui, sans-serif; }
a { color: var(--accent); }
nav { overflow-y: auto; padding: 20px 12px; border-right: 1px solid var(--rule); }
h1 { padding: 0 10px; font-size: 18px; }
nav > p { padding: 0 10px 14px; color: var(--quiet); font-size: 13px; }
ol { list-style: none; padding: 0; }
li a { display: block; padding: 10px; border-radius: 8px; color: inherit; text-decoration: none; }
li a:hover { background: var(--paper); }
li a[aria-current] { background: var(--chosen); }
li strong, li span { display: block; overflow: hidden; font-weight: 600; text-overflow: ellipsis; white-space: nowrap; }
li span { font-weight: 400; }
time { color: var(--quiet); font-size: 12.5px; font-variant-numeric: tabular-nums; }
main { display: flex; flex-direction: column; gap: 16px; min-width: 0; padding: 20px 24px 24px; }
h2 { font-size: 20px; line-height: 1.3; }
.forms { display: grid; grid-template-columns: 3fr 2fr; gap: 16px; flex: 1; min-height: 0; }
iframe, pre { width: 100%; height: 100%; border: 1px solid var(--rule); border-radius: 12px; background: var(--paper); }
pre { overflow: auto; padding: 20px; font: 13px/1.6 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
.empty { margin: auto; color: var(--quiet); }
@media (max-width: 900px) { body { display: block; height: auto; } nav { max-height: 40vh; border-right: 0; }
  .forms { grid-template-columns: 1fr; } iframe { height: 560px; } }
`;
