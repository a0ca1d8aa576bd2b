/** What a client may want to know of a code. */
export interface ErrorEntry {
  readonly meaning: string;
  /** Whether the same call may succeed later. */
  readonly retry: string;
  /** Fields beside the code. */
  readonly more?: string;
}

const wait = 'yes, after `retryAfterSeconds`';

/** Codes of `errors[].extensions.code`, and of the problem documents of uploads and downloads where they are the same. */
export const errorCatalog: Readonly<Record<string, ErrorEntry>> = {
  UNAUTHENTICATED: {
    meaning: 'No credentials, or none that are good any more.',
    retry: 'with a fresh access token (`refreshSession`), else sign in',
  },
  FORBIDDEN: {
    meaning: 'A member who may see the thing but not do this to it, or a cookie from a page that is not ours.',
    retry: 'no',
  },
  NOT_FOUND: {
    meaning: 'Missing, malformed and foreign ids alike: nothing tells them apart.',
    retry: 'no',
  },
  MFA_REQUIRED: { meaning: 'The session has not passed a second factor.', retry: 'after enrolling, or passing it' },
  REAUTHENTICATION_REQUIRED: {
    meaning: 'The last sign-in or `reauthenticate` is too long ago.',
    retry: 'after `reauthenticate`',
  },
  BAD_USER_INPUT: {
    meaning: 'An argument, a variable or the request itself is not one that a working client sends.',
    retry: 'no',
  },
  RATE_LIMITED: { meaning: 'Too many attempts in a time.', retry: wait, more: '`retryAfterSeconds`' },
  QUOTA_EXCEEDED: {
    meaning: 'A limit of the organization’s plan, or of its own below that, is reached.',
    retry: 'after `resetsAt`, or with another plan',
    more: '`resource`, `limit`, `used`, `resetsAt`',
  },
  OPERATION_TOO_COMPLEX: {
    meaning: 'The document asks for too much at once, or tries a sign-in more than once.',
    retry: 'no, ask for less',
    more: '`cost.requested`, `cost.maximum` when it is the cost',
  },
  GRAPHQL_PARSE_FAILED: { meaning: 'The document is not GraphQL.', retry: 'no' },
  GRAPHQL_VALIDATION_FAILED: { meaning: 'The document does not fit the schema.', retry: 'no' },
  PERSISTED_QUERY_NOT_FOUND: { meaning: 'No trusted document has this id.', retry: 'no' },
  SERVICE_UNAVAILABLE: {
    meaning: 'Something that the API stands on does not answer, or a query took more than 30 seconds.',
    retry: 'yes, in a second; a mutation under its `Idempotency-Key`',
  },
  INTERNAL: {
    meaning: 'A mistake of ours, in the log under `requestId`.',
    retry: 'once; then tell the operator the `requestId`',
    more: '`requestId`',
  },
};

/** Refusals of the result unions: what a mutation does not list comes as `errors[].extensions.code`. */
export const resultRetries: Readonly<Record<string, string>> = {
  Conflict: 'no; for an `Idempotency-Key` in use, in a second',
  EmailNotVerified: 'after the mailed link was opened',
  InvalidCode: 'with another code, while `attemptsLeft` is not 0',
  InvalidCredentials: 'with other words',
  InvalidToken: 'no, ask for a new link',
  LastOwner: 'after naming another owner',
  LastSignInMethod: 'after adding another way to sign in',
  OAuthFailed: 'by starting again at the provider',
  QuotaExceeded: 'after `resetsAt`, or with another plan',
  RefreshRaced: 'no, use the tokens of the other tab',
  SessionEnded: 'no, sign in',
  ValidationFailed: 'with what `issues` asks for',
  VerificationFailed: 'once the receiver answers with the newest secret',
};

/** Refusals of bytes that the same bytes may pass later; all others need another upload. */
export const transferRetries: Readonly<Record<string, string>> = {
  UPLOAD_BUSY: 'yes, when the other request has ended',
  UPLOAD_CUT: 'yes, from `Upload-Offset` (tus), or whole',
  UPLOAD_STALLED: 'yes, from `Upload-Offset` (tus), or whole',
  UNAUTHENTICATED: 'with a new link, or the token of a new upload',
  NOT_SCANNED: 'with a new upload, later',
};

interface CloseEntry {
  readonly code: number;
  readonly meaning: string;
  readonly advice: string;
}

/** Why a socket closes (graphql-transport-ws), and what a client does then. */
export const closeCatalog: readonly CloseEntry[] = [
  { code: 1001, meaning: 'The process stops.', advice: 'connect again at once: another process answers' },
  { code: 1009, meaning: 'A message of more than 256 KiB.', advice: 'do not connect again with it' },
  { code: 1013, meaning: 'Something that the API stands on does not answer.', advice: 'connect again after a wait' },
  { code: 4400, meaning: 'A message that is none of the protocol.', advice: 'mend the client' },
  {
    code: 4401,
    meaning:
      'No good credentials, a session that is over, an access token that has expired, or no `connection_init` yet.',
    advice: 'refresh, then connect with the new token',
  },
  {
    code: 4403,
    meaning: 'The organization of the parameters is not, or no longer, one of the caller’s.',
    advice: 'connect with another organization',
  },
  { code: 4406, meaning: 'The subprotocol is not graphql-transport-ws.', advice: 'mend the client' },
  { code: 4408, meaning: 'No `connection_init` within ten seconds.', advice: 'connect again' },
  { code: 4409, meaning: 'An operation id that is in use.', advice: 'mend the client' },
  {
    code: 4429,
    meaning: 'A second `connection_init`, too many sockets of one caller, or more than 1,000 messages in ten seconds.',
    advice: 'use the socket that is open, or wait ten seconds',
  },
  { code: 4500, meaning: 'A mistake of ours.', advice: 'connect again after a wait' },
];
