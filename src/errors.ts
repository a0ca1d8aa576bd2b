import type { z } from 'zod';

/**
 * A refusal that its caller may read: `message` and `code` are public, `cause` never is. Anything else that is thrown
 * is a bug and reaches the client as INTERNAL.
 */
export class AppError extends Error {
  readonly code: string;
  /** Further public fields, sent as `extensions` beside the code. */
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: string, message: string, details: Record<string, unknown> = {}, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
    this.details = details;
  }
}

// ─── top level: `errors[].extensions.code` ──────────────────────────────────

/** No credentials, or none that are good. */
export class Unauthenticated extends AppError {
  constructor(message = 'Sign in to do this.') {
    super('UNAUTHENTICATED', message);
  }
}

/** A member who may see the thing but not do this to it. */
export class Forbidden extends AppError {
  constructor(message = 'You are not allowed to do this.') {
    super('FORBIDDEN', message);
  }
}

/** Missing, malformed and foreign ids alike, so that ids cannot be probed. */
export class NotFound extends AppError {
  constructor(message = 'There is no such thing, or it is not yours to see.') {
    super('NOT_FOUND', message);
  }
}

/** The session has not passed a second factor. */
export class MfaRequired extends AppError {
  constructor(message = 'This needs a session that has passed a second factor.') {
    super('MFA_REQUIRED', message);
  }
}

/** The last sign-in or `reauthenticate` is too long ago. */
export class ReauthenticationRequired extends AppError {
  constructor(message = 'Confirm that it is you with `reauthenticate`, then try again.') {
    super('REAUTHENTICATION_REQUIRED', message);
  }
}

/** An argument that no form of the client should have let through: a strange cursor, too many ids. */
export class BadUserInput extends AppError {
  constructor(message: string) {
    super('BAD_USER_INPUT', message);
  }
}

export class RateLimited extends AppError {
  constructor(retryAfterSeconds: number) {
    super('RATE_LIMITED', 'Too many attempts. Wait a little and try again.', { retryAfterSeconds });
  }
}

/** Something we stand on does not answer: the database, its pool, the hashing queue. */
export class ServiceUnavailable extends AppError {
  constructor(message = 'The service is busy. Try again in a moment.', options?: ErrorOptions) {
    super('SERVICE_UNAVAILABLE', message, {}, options);
  }
}

// ─── members of result unions: what the person at the screen can act on ─────

export interface FieldIssue {
  readonly path: string[];
  readonly message: string;
}

export class ValidationFailed extends AppError {
  readonly issues: FieldIssue[];

  constructor(issues: FieldIssue[]) {
    super('VALIDATION_FAILED', issues.map((issue) => issue.message).join(' ') || 'Something in the form is not right.');
    this.issues = issues;
  }
}

export class InvalidCredentials extends AppError {
  constructor(what: 'Address or password' | 'The password' = 'Address or password') {
    super('INVALID_CREDENTIALS', `${what} is not right.`);
  }
}

export class EmailNotVerified extends AppError {
  constructor() {
    super('EMAIL_NOT_VERIFIED', 'Confirm your address with the link that we mailed to you, then sign in.');
  }
}

/** Unknown, used, expired or replaced: which of them is not told. */
export class InvalidToken extends AppError {
  constructor() {
    super('INVALID_TOKEN', 'This link is not valid any more. Ask for a new one.');
  }
}

export class SessionEnded extends AppError {
  constructor() {
    super('SESSION_ENDED', 'The session is over. Sign in again.');
  }
}

/** Another tab refreshed first: its tokens are the good ones. Never a reason to drop a cookie. */
export class RefreshRaced extends AppError {
  constructor() {
    super('REFRESH_RACED', 'Another tab has refreshed this session. Use its tokens.');
  }
}

export class InvalidCode extends AppError {
  readonly attemptsLeft: number | null;

  constructor(attemptsLeft: number | null = null) {
    super('INVALID_CODE', 'This code is not right, or not any more.');
    this.attemptsLeft = attemptsLeft;
  }
}

/** The first factor is right and a second one is enrolled: no refusal, but no tokens either. */
export class SecondFactorNeeded extends AppError {
  readonly challengeToken: string;
  readonly expiresAt: Date;
  readonly methods: ('TOTP' | 'BACKUP_CODE')[];

  constructor(challenge: { challengeToken: string; expiresAt: Date; methods: ('TOTP' | 'BACKUP_CODE')[] }) {
    super('SECOND_FACTOR_NEEDED', 'Enter a code of your authenticator.');
    this.challengeToken = challenge.challengeToken;
    this.expiresAt = challenge.expiresAt;
    this.methods = challenge.methods;
  }
}

export class OAuthFailed extends AppError {
  constructor(message = 'Signing in with this provider did not work. Try again.') {
    super('OAUTH_FAILED', message);
  }
}

export class LastOwner extends AppError {
  constructor() {
    super('LAST_OWNER', 'An organization needs an owner. Name another one first.');
  }
}

export class LastSignInMethod extends AppError {
  constructor() {
    super('LAST_SIGN_IN_METHOD', 'This is the last way to sign in. Add another one first.');
  }
}

export class Conflict extends AppError {
  readonly field: string | null;

  constructor(message: string, field: string | null = null) {
    super('CONFLICT', message);
    this.field = field;
  }
}

/** A webhook receiver has not proved that it holds the newest secret; `reason` tells nothing of our network. */
export class VerificationFailed extends AppError {
  readonly reason: string;

  constructor(reason: string) {
    super('VERIFICATION_FAILED', 'The receiver did not prove that it holds the newest secret.');
    this.reason = reason;
  }
}

export type QuotaResource = 'API_CALLS' | 'STORAGE_BYTES' | 'MEMBERS';

/** A limit of the organization's plan, or of its own below that, stands in the way. Also a top-level refusal. */
export class QuotaExceeded extends AppError {
  readonly resource: QuotaResource;
  readonly limit: number;
  readonly used: number;
  /** Null for what does not reset. */
  readonly resetsAt: Date | null;

  constructor(quota: { resource: QuotaResource; limit: number; used: number; resetsAt: Date | null }) {
    const { resource, limit, used, resetsAt } = quota;
    super('QUOTA_EXCEEDED', 'The quota of this organization is used up.', { resource, limit, used, resetsAt });
    this.resource = resource;
    this.limit = limit;
    this.used = used;
    this.resetsAt = resetsAt;
  }
}

/** Reads `input` by `schema`; what does not fit becomes one ValidationFailed with every issue. */
export function parseInput<Schema extends z.ZodType>(schema: Schema, input: unknown): z.output<Schema> {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  throw new ValidationFailed(
    result.error.issues.map((issue) => ({ path: issue.path.map(String), message: issue.message })),
  );
}
