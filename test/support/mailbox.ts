import { vi } from 'vitest';

/** A mail as the mailbox route tells it. */
export interface ReceivedMail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  readonly createdAt: string;
}

export interface WantedMail {
  readonly to: string;
  /** Part of the subject. */
  readonly subject?: string;
  /** How many must have come; the default is one. */
  readonly count?: number;
}

/** The mails to an address so far, newest first. */
export async function mailsTo(app: { readonly url: string }, to: string): Promise<ReceivedMail[]> {
  const response = await fetch(`${app.url}/dev/mailbox.json?to=${encodeURIComponent(to)}`);
  return (await response.json()) as ReceivedMail[];
}

/** The newest mail that is wanted, as soon as it is there; fails after ten seconds. */
export function waitForMail(
  app: { readonly url: string },
  { to, subject = '', count = 1 }: WantedMail,
): Promise<ReceivedMail> {
  const look = async () => {
    const mails = (await mailsTo(app, to)).filter((mail) => mail.subject.includes(subject));
    const newest = mails[0];
    if (!newest || mails.length < count) throw new Error(`${mails.length} of ${count} mails to ${to} came`);
    return newest;
  };
  return vi.waitFor(look, { timeout: 10_000, interval: 50 });
}

/** The token in the one link of a mail. */
export function tokenIn(mail: ReceivedMail): string {
  const [, token] = /[?&]token=([^\s&"]+)/.exec(mail.text) ?? [];
  if (!token) throw new Error(`no token in the mail "${mail.subject}"`);
  return decodeURIComponent(token);
}
