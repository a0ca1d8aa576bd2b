import { type RenderedMail, renderMail } from './mail.layout.ts';
import { hello, spoken } from './mail.names.ts';

/** To somebody who registered: the link that confirms the address. */
export function verifyEmail({ name, link }: { name: string; link: string }): RenderedMail {
  return renderMail({
    subject: 'Confirm your email address',
    greeting: hello(name),
    paragraphs: ['Welcome! One last step: confirm that this address is yours, then you can sign in.'],
    button: { label: 'Confirm address', link },
    smallPrint: [
      'The link works once. If its time has run out, sign in to have a new one sent.',
      'If you did not register, leave it be: without the link nobody can use an account with your address.',
    ],
  });
}

/** To the owner of an account whose address somebody used to register again. */
export function alreadyRegistered({ name, appUrl }: { name: string; appUrl: string }): RenderedMail {
  return renderMail({
    subject: 'You already have an account',
    greeting: hello(name),
    paragraphs: [
      'Somebody, most likely you, just wanted this address for an account. It has one already, so nothing was changed.',
      'Sign in as usual. If the password has slipped your mind, you can choose a new one there.',
    ],
    button: { label: 'Go to sign-in', link: appUrl },
    smallPrint: ['If this was not you, there is nothing to do: whoever it was learned nothing about your account.'],
  });
}

/** To somebody who has forgotten the password, or says so. */
export function resetPassword({ name, link }: { name: string; link: string }): RenderedMail {
  return renderMail({
    subject: 'Choose a new password',
    greeting: hello(name),
    paragraphs: [
      'Somebody, most likely you, asked for a new password for your account. Choosing one signs you out everywhere.',
    ],
    button: { label: 'Choose a password', link },
    smallPrint: [
      'The link works once, within an hour. A newer one takes its place.',
      'If you did not ask for it, leave it be: your password stays as it is.',
    ],
  });
}

/** To the address that somebody wants for their account. */
export function changeEmail({ name, link }: { name: string; link: string }): RenderedMail {
  return renderMail({
    subject: 'Confirm your new email address',
    greeting: hello(name),
    paragraphs: ['Confirm that this address is yours. From then on you sign in with it, and mail comes here.'],
    button: { label: 'Use this address', link },
    smallPrint: [
      'The link works once, within an hour. A newer one takes its place.',
      'If you do not know what this is about, leave it be: somebody mistyped an address, and nothing changes.',
    ],
  });
}

const dayAndTime = new Intl.DateTimeFormat('en-GB', { dateStyle: 'full', timeStyle: 'short', timeZone: 'UTC' });
const roleNames = { OWNER: 'an owner', ADMIN: 'an admin', MEMBER: 'a member' } as const;

/** To somebody who is asked to join an organization. */
export function invitation(input: {
  organizationName: string;
  /** Null when that person has left. */
  inviterName: string | null;
  role: keyof typeof roleNames;
  link: string;
  expiresAt: Date;
}): RenderedMail {
  const organization = spoken(input.organizationName);
  const inviter = input.inviterName === null ? null : spoken(input.inviterName);
  return renderMail({
    subject: inviter ? `${inviter} invites you to ${organization}` : `You are invited to ${organization}`,
    greeting: 'Hello,',
    paragraphs: [
      `${inviter ? `${inviter} invites you` : 'You are invited'} to join ${organization} as ${roleNames[input.role]}.`,
    ],
    button: { label: 'See the invitation', link: input.link },
    smallPrint: [
      `The invitation is open until ${dayAndTime.format(input.expiresAt)} UTC.`,
      'If you do not know what this is about, leave it be: nothing happens unless you accept.',
    ],
  });
}

/** To a superuser, when a job was given up. */
export function deadLetterAlert(input: {
  name: string;
  queue: string;
  error: string;
  openCount: number;
  appUrl: string;
}): RenderedMail {
  const { queue, openCount } = input;
  return renderMail({
    subject: `A job was given up: ${queue}`,
    greeting: hello(input.name),
    paragraphs: [
      `A job "${queue}" has failed for good. ${openCount === 1 ? 'It is the only one of its kind' : `${openCount} of its kind`} that waits for somebody to retry or resolve it.`,
      `It failed with: ${spoken(input.error, 500)}`,
    ],
    button: { label: 'Go to the app', link: input.appUrl },
    smallPrint: ['You get this as a superuser, at most once an hour for each kind of job.'],
  });
}

/** A notification, to somebody who has asked for mails of its type. */
export function notificationMail(input: { name: string; title: string; body: string; appUrl: string }): RenderedMail {
  const [title, body] = [spoken(input.title, 200), spoken(input.body, 500)];
  return renderMail({
    subject: title,
    greeting: hello(input.name),
    paragraphs: [`${title}.`, ...(body ? [body] : [])],
    button: { label: 'Go to the app', link: input.appUrl },
    smallPrint: ['You get this because you asked for mails of this kind. You can switch them off in the app.'],
  });
}
