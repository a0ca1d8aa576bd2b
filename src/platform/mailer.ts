import { SpanKind } from '@opentelemetry/api';
import nodemailer from 'nodemailer';
import type { Config } from '../config.ts';
import { keepMail, mailboxFolder } from './mailbox.ts';
import { inSpan, type Telemetry } from './telemetry.ts';

export interface Mail {
  /** One bare address. */
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  /** `<something@somewhere>`, the same for every try of the same content, so that receivers can drop a second copy. */
  readonly messageId?: string | undefined;
}

/** The server has refused a mail for good (SMTP 5xx): another try would get the same answer. */
export class MailRefused extends Error {
  /** Whether it is the mailbox that is not there; else something about the mail or its sender. */
  readonly isUnknownRecipient: boolean;

  constructor(isUnknownRecipient: boolean, options: ErrorOptions) {
    super(isUnknownRecipient ? 'There is no such mailbox.' : 'The mail server refuses this mail.', options);
    this.name = 'MailRefused';
    this.isUnknownRecipient = isUnknownRecipient;
  }
}

export interface MailWaits {
  /** To connect, and from there to the first line of the server. */
  readonly connectionMs: number;
  /** Between any two signs of life. */
  readonly silenceMs: number;
}

const productionWaits: MailWaits = { connectionMs: 10_000, silenceMs: 20_000 };

export interface Mailer {
  /** Hands one mail over. @throws MailRefused; any other Error when it may be taken later: trying again is the job's business. */
  send(mail: Mail, signal?: AbortSignal): Promise<void>;
  /** Ends connections, and deliveries that are still under way with an error. */
  close(): void;
}

const lineBreaks = /[\r\n\u2028\u2029]+/g;
/** One address and nothing that a mail header could read as a second one. */
const oneAddress = /^[^\s,;:<>()[\]"\\@]+@[^\s,;:<>()[\]"\\@]+$/u;

/** Sends over `SMTP_URL`; without it mails are kept for the mailbox page. */
export function createMailer(config: Config, now: () => Date, waits: MailWaits = productionWaits): Mailer {
  const { send, close } =
    config.smtpUrl === null
      ? mailbox(mailboxFolder(config.dataDir), now)
      : smtp({ url: config.smtpUrl, from: config.mailFrom, waits });
  return { send: async (mail, signal) => send(checked(mail), signal), close };
}

/** The same mailer; each mail is a span, which says nothing of the mail. */
export function tracedMailer(mailer: Mailer, telemetry: Telemetry | null): Mailer {
  if (!telemetry) return mailer;
  const description = { name: 'send mail', kind: SpanKind.CLIENT };
  return {
    send: (mail, signal) => inSpan(telemetry.tracer, description, () => mailer.send(mail, signal)),
    close: () => mailer.close(),
  };
}

function checked(mail: Mail): Mail {
  if (!oneAddress.test(mail.to)) throw new Error('a mail needs exactly one bare address');
  return { ...mail, subject: mail.subject.replace(lineBreaks, ' ') };
}

function mailbox(folder: string, now: () => Date): Mailer {
  return {
    async send({ to, subject, text, html }) {
      await keepMail(folder, { to, subject, text, html, createdAt: now().toISOString() });
    },
    close() {},
  };
}

/** Every wait ends, and nothing is tried twice here: retries have one home, the job. */
function smtp({ url, from, waits }: { url: string; from: string; waits: MailWaits }): Mailer {
  const transport = nodemailer.createTransport({
    url,
    pool: true,
    maxConnections: 5,
    maxRequeues: 0,
    idleTimeout: 30_000,
    connectionTimeout: waits.connectionMs,
    greetingTimeout: waits.connectionMs,
    socketTimeout: waits.silenceMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return {
    async send({ to, ...mail }, signal) {
      const message = { ...mail, from, to: { name: '', address: to }, headers: { 'Auto-Submitted': 'auto-generated' } };
      await transport.sendMail({ ...message, ...(signal && { signal }) }).catch((error: SmtpError) => {
        throw refusalIn(error) ?? error;
      });
    },
    close: () => transport.close({ force: true }),
  };
}

type SmtpError = Error & { code?: string; command?: string; response?: string; responseCode?: number };

const mailboxAbsent = new Set([550, 551, 553]);
/** RFC 3463: what the answer is about. 5.1 is the address; others of the same code are policy, a full mailbox, … */
const enhancedCode = /^\d{3}[ -]5\.(\d{1,3})\.\d{1,3}\b/;

/** Null for what may go better later; so may a sign-in to the server that fails: operators mend it. */
function refusalIn(error: SmtpError): MailRefused | null {
  const { code, command, response = '', responseCode = 0 } = error;
  if (responseCode < 500 || responseCode > 599 || code === 'EAUTH') return null;
  const subject = enhancedCode.exec(response)?.[1] ?? '1';
  const isUnknownRecipient = command === 'RCPT TO' && mailboxAbsent.has(responseCode) && subject === '1';
  return new MailRefused(isUnknownRecipient, { cause: error });
}
