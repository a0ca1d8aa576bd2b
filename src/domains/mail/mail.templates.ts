import { type RenderedMail, renderMail } from './mail.layout.ts';

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
      'Somebody, most likely you, just tried to register with this address. It has an account already, so nothing was changed.',
      'Sign in as usual. If the password has slipped your mind, you can choose a new one there.',
    ],
    button: { label: 'Go to sign-in', link: appUrl },
    smallPrint: ['If this was not you, there is nothing to do: whoever it was learned nothing about your account.'],
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

function hello(name: string): string {
  return `Hello ${spoken(name)}`.trim().concat(',');
}

/**
 * A name that a stranger chose, fit for a mail that we send in our name: one line, of bounded length, and with nothing
 * that a mail program would make into a link.
 */
function spoken(name: string): string {
  const line = name.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, ' ').trim();
  const short = line.length > 80 ? `${line.slice(0, 79)}…` : line;
  return short.replace(/([.:/@])(?=\S)/g, '$1\u2060');
}
