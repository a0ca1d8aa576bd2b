import { type RenderedMail, renderMail } from './mail.layout.ts';
import { hello } from './mail.names.ts';

interface Notice {
  readonly subject: string;
  readonly what: string;
  /** What to do if it was somebody else; left out, what helps against most things. */
  readonly otherwise?: string;
}

const newPassword =
  'If it was not you, choose a new password at once, then look through your sessions and ways to sign in. A new password signs everyone out.';
const writeToUs =
  'If it was not you, write at once to the people who run this service: your account may be in other hands.';

/** All security notices on one screen. */
const notices = {
  passwordChanged: {
    subject: 'Your password was changed',
    what: 'The password of your account was changed, and other devices were signed out.',
  },
  emailChanged: {
    subject: 'The address of your account was changed',
    what: 'Your account has moved to another email address. This one can neither sign in nor reset the password any more.',
    otherwise: writeToUs,
  },
  mfaEnabled: {
    subject: 'A second factor was added',
    what: 'From now on, signing in to your account takes a code of an authenticator.',
  },
  mfaDisabled: {
    subject: 'The second factor was removed',
    what: 'From now on, signing in to your account takes no code of an authenticator.',
  },
  backupCodesRegenerated: {
    subject: 'New backup codes were made',
    what: 'Your account has a new set of backup codes. The former ones work no more.',
  },
  backupCodeUsed: {
    subject: 'A backup code was used',
    what: 'Somebody signed in to your account, or confirmed to be you, with one of your backup codes. It works no more.',
  },
  identityLinked: {
    subject: 'A way to sign in was added',
    what: 'Your account can now be signed in to through another provider.',
  },
  identityUnlinked: {
    subject: 'A way to sign in was removed',
    what: 'One of the providers through which you could sign in to your account is not linked to it any more.',
  },
  sessionRevokedForReuse: {
    subject: 'A device was signed out for safety',
    what: 'A secret of one of your sessions was used twice, which happens when it has been copied. We have ended that session. The others go on.',
  },
  accountDeleted: {
    subject: 'Your account was deleted',
    what: 'Your account is gone, with all that was yours alone.',
    otherwise: writeToUs,
  },
} satisfies Record<string, Notice>;

/** What happened to an account, for the person whose it is. */
export function securityNotice(input: { kind: keyof typeof notices; name: string; appUrl: string }): RenderedMail {
  const { subject, what, otherwise = newPassword }: Notice = notices[input.kind];
  return renderMail({
    subject,
    greeting: hello(input.name),
    paragraphs: [what, 'If it was you, there is nothing to do.'],
    button: { label: 'Go to the app', link: input.appUrl },
    smallPrint: [otherwise],
  });
}
