/** What people are told of. */
export const notificationTypes = [
  'invitation.received',
  'member.joined',
  'member.removed',
  'member.roleChanged',
  'ownership.transferred',
  'quota.threshold',
  'webhookEndpoint.failing',
  'webhookEndpoint.disabled',
  'apiKey.expiring',
  'auditExport.ready',
  'billing.pastDue',
  'session.revokedForReuse',
  'mfa.changed',
] as const;

export type NotificationType = (typeof notificationTypes)[number];

/** What is told whoever it concerns, in the app and by a security notice: it may be somebody else's doing. */
export const lockedTypes: ReadonlySet<string> = new Set<NotificationType>(['session.revokedForReuse', 'mfa.changed']);

/** What a notification was written with. */
export type NotificationData = Readonly<Record<string, unknown>>;

export interface NotificationText {
  readonly title: string;
  readonly body: string;
}

/** Every sentence that a notification can say, in one table. People are named by `data`, not by the text: names change. */
const texts: Readonly<Record<NotificationType, (data: NotificationData) => NotificationText>> = {
  'invitation.received': (data) => ({
    title: `You are invited to ${organization(data)}`,
    body: `Accept the invitation to join as ${role(data.role)}.`,
  }),
  'member.joined': (data) => ({
    title: `Somebody joined ${organization(data)}`,
    body: `A new member accepted an invitation as ${role(data.role)}.`,
  }),
  'member.removed': (data) => ({
    title: `You were removed from ${organization(data)}`,
    body: 'You no longer have access to what is kept there.',
  }),
  'member.roleChanged': (data) => ({
    title: `Your role in ${organization(data)} has changed`,
    body: `You were ${role(data.from)} and are ${role(data.to)} now.`,
  }),
  'ownership.transferred': (data) => ({
    title: `You own ${organization(data)} now`,
    body: 'The former owner handed it over to you and is an admin now.',
  }),
  'quota.threshold': (data) => ({
    title: `${organization(data)} has used ${word(data.percent, 'most')}${data.percent ? ' %' : ''} of a quota`,
    body: `The quota is ${word(data.resource, 'one of the plan')}.`,
  }),
  'webhookEndpoint.failing': (data) => ({
    title: 'A webhook endpoint is failing',
    body:
      data.reason === 'unverified'
        ? `It has not proved that it holds its new secret. What ${organization(data)} has for it is held until it does.`
        : `Deliveries of ${organization(data)} do not arrive. They are tried again.`,
  }),
  'webhookEndpoint.disabled': (data) => ({
    title: 'A webhook endpoint was switched off',
    body: `${disabledBecause[String(data.reason)] ?? ''}${organization(data)} sends it nothing until it is switched on again.`,
  }),
  'apiKey.expiring': (data) => ({
    title: `The API key ${word(data.name, 'of a program')} ends soon`,
    body: `Programs of ${organization(data)} that use it stop working on ${word(data.endsOn, 'its last day')} (UTC). Make a new key before.`,
  }),
  'auditExport.ready': (data) => ({
    title: `The audit log of ${organization(data)} is ready to download`,
    body: 'It can be fetched for a day after it was asked for.',
  }),
  'billing.pastDue': (data) => ({
    title: `A payment for ${organization(data)} failed`,
    body: 'Check the way of payment to keep the plan.',
  }),
  'session.revokedForReuse': () => ({
    title: 'A session of yours was ended',
    body: 'Its refresh token was used a second time, so somebody else may have had it. Look through your sessions.',
  }),
  'mfa.changed': ({ change }) => ({
    title: 'Your second factor has changed',
    body: `${mfaChanges[String(change)] ?? 'It is not what it was.'} If that was not you, change your password.`,
  }),
};

const disabledBecause: Readonly<Record<string, string>> = {
  failing: 'It failed for five days. ',
  gone: 'It said that it is gone. ',
  asked: 'An admin did that. ',
};

const mfaChanges: Readonly<Record<string, string>> = {
  enabled: 'An authenticator was added.',
  disabled: 'The authenticator was taken away.',
  backupCodesRegenerated: 'There are new backup codes, the old ones are void.',
};

/** What a notification says to people, in English. One of an unknown type has its type for a title. */
export function textOf(type: string, data: NotificationData): NotificationText {
  return Object.hasOwn(texts, type) ? texts[type as NotificationType](data) : { title: type, body: '' };
}

function organization({ organizationName }: NotificationData): string {
  return word(organizationName, 'an organization');
}

function role(value: unknown): string {
  const name = word(value, 'member').toLowerCase();
  return /^[aeiou]/.test(name) ? `an ${name}` : `a ${name}`;
}

function word(value: unknown, otherwise: string): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : otherwise;
}
