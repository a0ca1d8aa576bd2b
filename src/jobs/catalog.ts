import { z } from 'zod';
import type { Ctx } from '../context.ts';

/** What happens to a job that fails, is slow, or is one of many. Every kind has workers of its own and waits for no other. */
export interface JobPolicy {
  /** Attempts after the first one. */
  readonly retryLimit: number;
  /** The wait before the first retry. It doubles with each one, up to as much again is added by chance. */
  readonly retryDelaySeconds: number;
  readonly retryDelayMaxSeconds: number;
  /** A longer run is aborted and counts as failed. */
  readonly expireInSeconds: number;
  /** How many run at once in one worker process. */
  readonly concurrency: number;
  /** How many of one key (see `fairBy`) run at once in one worker process: pg-boss counts more than one with a race. */
  readonly concurrencyPerKey?: 1;
  /** What remains of one that is given up: a dead letter unless said otherwise; at most one at a time; or a line in the log. */
  readonly remains?: 'oneDeadLetter' | 'nothing';
}

/** What a person is told by mail because somebody else may have done it. These cannot be switched off. */
export const noticeKinds = [
  'passwordChanged',
  'emailChanged',
  'mfaEnabled',
  'mfaDisabled',
  'backupCodesRegenerated',
  'backupCodeUsed',
  'identityLinked',
  'identityUnlinked',
  'sessionRevokedForReuse',
  'accountDeleted',
] as const;

export type NoticeKind = (typeof noticeKinds)[number];

export interface JobDefinition {
  readonly payload: z.ZodObject;
  readonly policy: JobPolicy;
  /** The field of the payload whose value is the key: jobs of one key do not hold up those of another. */
  readonly fairBy?: string;
}

/** A mail server that is down for an hour costs no mail. */
const mailPolicy: JobPolicy = {
  retryLimit: 12,
  retryDelaySeconds: 2,
  retryDelayMaxSeconds: 900,
  expireInSeconds: 60,
  concurrency: 2,
};

/** What wakes up the sending of webhooks. The state of each is in its row, which is looked at every second anyway. */
const wakePolicy: JobPolicy = {
  remains: 'nothing',
  retryLimit: 0,
  retryDelaySeconds: 1,
  retryDelayMaxSeconds: 1,
  expireInSeconds: 60,
  concurrency: 1,
};

/** A receiver has ten seconds; what it does wrong is no failure of the job. */
const challengePolicy: JobPolicy = {
  retryLimit: 3,
  retryDelaySeconds: 2,
  retryDelayMaxSeconds: 30,
  expireInSeconds: 30,
  concurrency: 8,
};

/** Whoever uploads waits for it, and a scanner that is down comes up again. */
const scanPolicy: JobPolicy = {
  retryLimit: 8,
  retryDelaySeconds: 2,
  retryDelayMaxSeconds: 120,
  expireInSeconds: 600,
  concurrency: 2,
};

/** One at a time: decoding takes memory. */
const picturePolicy: JobPolicy = {
  retryLimit: 3,
  retryDelaySeconds: 10,
  retryDelayMaxSeconds: 300,
  expireInSeconds: 120,
  concurrency: 1,
};

/** What comes round again soon need not be tried for long, and one dead letter says as much as a hundred. */
const sweepPolicy: JobPolicy = {
  remains: 'oneDeadLetter',
  retryLimit: 3,
  retryDelaySeconds: 5,
  retryDelayMaxSeconds: 60,
  expireInSeconds: 600,
  concurrency: 1,
};

/** A long log takes its time, and somebody waits for it. */
const exportPolicy: JobPolicy = {
  retryLimit: 5,
  retryDelaySeconds: 5,
  retryDelayMaxSeconds: 300,
  expireInSeconds: 1800,
  concurrency: 1,
};

/** Stripe may be away for hours, and what it has told us must not be lost. */
const stripePolicy: JobPolicy = {
  retryLimit: 15,
  retryDelaySeconds: 2,
  retryDelayMaxSeconds: 1_800,
  expireInSeconds: 120,
  concurrency: 2,
};

/**
 * Every job of the program. A payload names rows, never their content: no token, no address, since it lies in the
 * database as plain text; what it must hold is sealed. A job may run more than once.
 */
export const catalog = {
  'account.sendVerificationEmail': { payload: z.strictObject({ userId: z.uuid() }), policy: mailPolicy },
  'account.sendAlreadyRegisteredEmail': { payload: z.strictObject({ userId: z.uuid() }), policy: mailPolicy },
  'account.sendPasswordResetEmail': { payload: z.strictObject({ userId: z.uuid() }), policy: mailPolicy },
  'account.sendEmailChangeEmail': { payload: z.strictObject({ userId: z.uuid() }), policy: mailPolicy },
  'account.sendNotice': {
    payload: z.strictObject({ userId: z.uuid(), kind: z.enum(noticeKinds), sealedAddress: z.string().optional() }),
    policy: mailPolicy,
  },
  'account.removeExpired': { payload: z.strictObject({}), policy: sweepPolicy },
  'apiKey.tellOfEnds': { payload: z.strictObject({}), policy: sweepPolicy },
  'auditExport.write': { payload: z.strictObject({ auditExportId: z.uuid() }), policy: exportPolicy },
  'auditExport.removeExpired': { payload: z.strictObject({}), policy: sweepPolicy },
  'audit.writeCheckpoints': { payload: z.strictObject({}), policy: sweepPolicy },
  'deadLetter.collect': { payload: z.strictObject({}), policy: sweepPolicy },
  'deadLetter.sendAlert': {
    payload: z.strictObject({ userId: z.uuid(), deadLetterId: z.uuid() }),
    policy: mailPolicy,
  },
  'invitation.sendEmail': {
    // Of the organization only the turn is taken: one that invites hundreds holds up nobody else's invitations.
    payload: z.strictObject({ invitationId: z.uuid(), organizationId: z.uuid().optional() }),
    policy: { ...mailPolicy, concurrency: 3, concurrencyPerKey: 1 },
    fairBy: 'organizationId',
  },
  'webhook.deliver': { payload: z.strictObject({}), policy: wakePolicy },
  'webhook.challenge': { payload: z.strictObject({ endpointId: z.uuid() }), policy: challengePolicy },
  'webhook.lookAfter': { payload: z.strictObject({}), policy: sweepPolicy },
  'billing.endCustomer': { payload: z.strictObject({ customerId: z.string() }), policy: stripePolicy },
  'billing.handleStripeEvent': { payload: z.strictObject({ eventId: z.string() }), policy: stripePolicy },
  'billing.reconcile': { payload: z.strictObject({}), policy: sweepPolicy },
  'billing.syncSubscription': { payload: z.strictObject({ organizationId: z.uuid() }), policy: stripePolicy },
  'file.scan': { payload: z.strictObject({ uploadId: z.uuid() }), policy: scanPolicy },
  'file.makeThumbnails': { payload: z.strictObject({ fileId: z.uuid() }), policy: picturePolicy },
  'file.sweep': { payload: z.strictObject({}), policy: sweepPolicy },
  'file.purgeTrash': { payload: z.strictObject({}), policy: sweepPolicy },
  'file.removeOrphans': { payload: z.strictObject({}), policy: sweepPolicy },
  'file.reconcileStorage': { payload: z.strictObject({}), policy: { ...sweepPolicy, expireInSeconds: 6 * 3600 } },
  'notification.sendEmail': {
    payload: z.strictObject({
      userId: z.uuid(),
      type: z.string(),
      organizationId: z.uuid().optional(),
      data: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
    }),
    policy: { ...mailPolicy, concurrencyPerKey: 1 },
    fairBy: 'organizationId',
  },
} satisfies Record<string, JobDefinition>;

export type JobName = keyof typeof catalog;
export type JobPayload<Name extends JobName> = z.output<(typeof catalog)[Name]['payload']>;

/** Does the work of one attempt. It stops early when `signal` aborts: the time is up, or the program stops. */
export type JobHandler<Name extends JobName> = (
  ctx: Ctx,
  payload: JobPayload<Name>,
  signal: AbortSignal,
) => Promise<void>;

/** The handlers that one `<noun>.jobs.ts` exports. */
export type JobHandlers<Names extends JobName> = { readonly [Name in Names]: JobHandler<Name> };

export const jobNames = Object.keys(catalog) as JobName[];

/** What the catalog says of a kind of job; null for one that this version does not know. */
export function definitionOf(name: string): JobDefinition | null {
  return Object.hasOwn(catalog, name) ? catalog[name as JobName] : null;
}

/** @throws ZodError when `payload` is not what the catalog says; unknown keys are not let through. */
export function parsePayload<Name extends JobName>(name: Name, payload: unknown): JobPayload<Name> {
  return catalog[name].payload.parse(payload) as JobPayload<Name>;
}
