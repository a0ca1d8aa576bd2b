import { escapeHtml } from '../../platform/html.ts';

/** What a mail says, once for both of its forms. Everything is plain text; nothing here is HTML. */
export interface MailContent {
  readonly subject: string;
  readonly greeting: string;
  readonly paragraphs: readonly string[];
  readonly button: { readonly label: string; readonly link: string };
  /** What to know besides, and what to do if it was not you. */
  readonly smallPrint: readonly string[];
}

export interface RenderedMail {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

const productName = 'Gatehouse';

/** Both forms of a mail. */
export function renderMail(content: MailContent): RenderedMail {
  return { subject: content.subject, text: renderText(content), html: renderHtml(content) };
}

function renderText({ greeting, paragraphs, button, smallPrint }: MailContent): string {
  return [greeting, ...paragraphs, `${button.label}:\n${button.link}`, ...smallPrint, `-- \n${productName}\n`].join(
    '\n\n',
  );
}

const fontFamily = "-apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif";

/** Programs that know dark mode and style sheets get it; all others read the inline styles below. */
const darkStyles = `@media (prefers-color-scheme: dark) {
  .page { background: #131613 !important; }
  .card { background: #1d211e !important; border-color: #2e352f !important; }
  .ink, .ink a { color: #e8ebe7 !important; }
  .quiet, .quiet a { color: #9ba69d !important; }
  .rule { border-color: #2e352f !important; }
  .button { background: #8fd0a5 !important; color: #10301d !important; }
}`;

function renderHtml({ subject, greeting, paragraphs, button, smallPrint }: MailContent): string {
  const link = escapeHtml(button.link);
  const paragraph = (text: string) => `<p class="ink" style="margin:0 0 16px;color:#1d2a22;">${escapeHtml(text)}</p>`;
  const small = (html: string) => `<p class="quiet" style="margin:0 0 10px;color:#66736a;">${html}</p>`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>${escapeHtml(subject)}</title>
<style>${darkStyles}</style>
</head>
<body class="page" style="margin:0;padding:0;background:#f3f5f2;">
<table class="page" role="presentation" width="100%" cellpadding="0" cellspacing="0" style="background:#f3f5f2;">
<tr><td align="center" style="padding:32px 16px;">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="max-width:520px;font:16px/1.55 ${fontFamily};">
<tr><td class="quiet" style="padding:0 4px 14px;color:#66736a;font-size:14px;font-weight:600;letter-spacing:.02em;">${productName}</td></tr>
<tr><td class="card" style="padding:32px;background:#ffffff;border:1px solid #e1e6e0;border-radius:12px;text-align:left;">
<p class="ink" style="margin:0 0 16px;color:#1d2a22;font-size:20px;line-height:1.35;font-weight:650;">${escapeHtml(greeting)}</p>
${paragraphs.map(paragraph).join('\n')}
<p style="margin:24px 0 28px;"><a class="button" href="${link}" style="display:inline-block;padding:12px 22px;background:#1f5c3d;color:#ffffff;border-radius:8px;font-weight:600;text-decoration:none;">${escapeHtml(button.label)}</a></p>
<div class="rule" style="padding-top:18px;border-top:1px solid #e1e6e0;font-size:13.5px;line-height:1.5;">
${small(`If the button does not work, open this address: <a href="${link}" style="color:#66736a;word-break:break-all;">${link}</a>`)}
${smallPrint.map((text) => small(escapeHtml(text))).join('\n')}
</div>
</td></tr>
</table>
</td></tr>
</table>
</body>
</html>
`;
}
