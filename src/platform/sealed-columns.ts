import type { Place } from './envelope.ts';

/** How to find the rows of one column, in SQL. */
interface Rows {
  /** The primary key. */
  readonly key: string;
  /** The key of a row from its id as text. */
  readonly keyOf: (text: string) => string;
  /** Id and owner as text, as they are bound into the row's values. */
  readonly rowId: string;
  readonly ownerId: string;
}

const ofPerson: Rows = {
  key: 'user_id',
  keyOf: (text) => `${text}::uuid`,
  rowId: 'user_id::text',
  ownerId: 'user_id::text',
};

const ofEndpoint: Rows = {
  key: 'id',
  keyOf: (text) => `${text}::uuid`,
  rowId: 'id::text',
  ownerId: 'organization_id::text',
};

/**
 * Every column that holds sealed values. What is not in this list is neither re-wrapped nor looked at when the program
 * starts; a test compares it with the database.
 */
export const sealedColumns = {
  'totp_factors.secret': ofPerson,
  'totp_enrollments.secret': ofPerson,
  'idempotent_requests.answer': {
    key: 'id',
    keyOf: (text) => `${text}::uuid`,
    rowId: 'id::text',
    ownerId: 'caller_id::text',
  },
  'oauth_states.code_verifier': {
    key: 'digest',
    keyOf: (text) => `decode(${text}, 'hex')`,
    rowId: `encode(digest, 'hex')`,
    ownerId: 'provider',
  },
  'webhook_endpoints.secret': ofEndpoint,
  'webhook_endpoints.previous_secret': ofEndpoint,
  'webhook_endpoints.headers': ofEndpoint,
} satisfies Record<string, Rows>;

export type SealedColumn = keyof typeof sealedColumns;

/** The place of one value in a column of the list. */
export function placeIn(name: SealedColumn, row: { rowId: string; ownerId: string }): Place {
  const [table = '', column = ''] = name.split('.');
  return { table, column, ...row };
}
