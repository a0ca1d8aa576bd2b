import nodemailer from 'nodemailer';
import type { Config } from '../config.ts';
import { keepMail, mailboxFolder } from './mailbox.ts';

export interface Mail {
  /** One bare address. */
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  /**
   * `<something@somewhere>`, the same for every try, so that receivers can drop a second copy. Leave it out where each
   * try carries a fresh token: the copy that they drop would be the one that works.
   */
  readonly messageId?: string;
}

export interface Mailer {
  /** Hands one mail over. @throws Error when it was not taken; trying again is the job's business. */
  send(mail: Mail, signal?: AbortSignal): Promise<void>;
  /** Ends connections, and deliveries that are still under way with an error. */
  close(): void;
}

const lineBreaks = /[\r\n\u2028\u2029]+/g;
/** One address and nothing that a mail header could read as a second one. */
const oneAddress = /^[^\s,;:<>()[\]"\\@]+@[^\s,;:<>()[\]"\\@]+$/u;

/** Sends over `SMTP_URL`; without it mails are kept for the mailbox page. */
export function createMailer(config: Config, now: () => Date): Mailer {
  const { send, close } =
    config.smtpUrl === null ? mailbox(mailboxFolder(config.dataDir), now) : smtp(config.smtpUrl, config.mailFrom);
  return { send: async (mail, signal) => send(checked(mail), signal), close };
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
function smtp(url: string, from: string): Mailer {
  const transport = nodemailer.createTransport({
    url,
    pool: true,
    maxConnections: 5,
    maxRequeues: 0,
    idleTimeout: 30_000,
    connectionTimeout: 10_000,
    greetingTimeout: 10_000,
    socketTimeout: 20_000,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return {
    async send({ to, ...mail }, signal) {
      await transport.sendMail({
        ...mail,
        from,
        to: { name: '', address: to },
        headers: { 'Auto-Submitted': 'auto-generated' },
        ...(signal && { signal }),
      });
    },
    close: () => transport.close({ force: true }),
  };
}
