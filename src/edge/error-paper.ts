import { type GraphQLObjectType, type GraphQLSchema, isInterfaceType } from 'graphql';
import { uploadRefusals } from '../domains/files/upload-refusal.ts';
import { closeCatalog, errorCatalog, resultRetries, transferRetries } from './error-catalog.ts';
import { statusOf } from './http-status.ts';
import { transferStatuses } from './upload-answers.ts';

const introduction = `# Errors

<!-- Made by \`npm run errors:docs\` from src; tests keep it current and complete. -->

Every refusal has a code that stays the same; messages are for people and may change. Which of the two forms it has depends on who
can act on it: what the person at the screen can mend is a member of the mutation's result union, everything else is in \`errors\`.
Fields that may fail by themselves are null with an entry in \`errors\`, and the rest of the answer is there.

## Top level

\`errors[].extensions.code\`. The status is that of a request that was refused whole; with \`Accept: application/json\` those marked *
are 200, as GraphQL over HTTP wants it. An operation that ran is 200 whatever its fields say. On a socket there is no status.
`;

const requestStatuses = `
\`BAD_USER_INPUT\` for the request itself has the status that says what is wrong: 405 for a GET that is no query, 406 for a
subscription without a stream to answer on, 408 for a body that takes more than ten seconds, 413 for one of more than a megabyte, 415 for one
that is not \`application/json\`.
`;

const unions = `
## Result unions

Each implements \`Error\`, so \`... on Error { code message }\` is valid in every result union. A mutation lists those that it can
answer with; one that it does not list comes at the top level under the same code.
`;

const transfers = `
## Uploads, downloads and other routes

\`application/problem+json\` (RFC 9457) with \`status\`, \`code\` and \`detail\`. \`Upload.failure\` has the same codes for what is found
after the bytes have come. A 404 of a path that is not served, a 405 and the answers to Stripe have no \`code\`.
`;

const sockets = `
## Sockets

Codes with which the server closes a graphql-transport-ws socket. An operation that fails alone does not close it: its \`error\`
message has the codes of the top level.
`;

/** The page that tells clients of every refusal: `docs/errors.md`. */
export function errorPaper(schema: GraphQLSchema): string {
  return [
    introduction,
    table(['code', 'status', 'meaning', 'retry', 'beside the code'], topLevelRows()),
    requestStatuses,
    unions,
    table(['type', 'code', 'meaning', 'retry', 'beside code and message'], unionRows(schema)),
    transfers,
    table(['code', 'status', 'meaning', 'retry'], transferRows()),
    sockets,
    table(
      ['code', 'meaning', 'then'],
      closeCatalog.map(({ code, meaning, advice }) => [String(code), meaning, advice]),
    ),
    '',
  ].join('\n');
}

/** `LastSignInMethod` has the code `LAST_SIGN_IN_METHOD`. */
export function codeOfType(name: string): string {
  return name
    .replace('OAuth', 'Oauth')
    .replace(/(?<=[a-z])(?=[A-Z])/g, '_')
    .toUpperCase();
}

function topLevelRows(): string[][] {
  return Object.entries(errorCatalog).map(([code, { meaning, retry, more = '' }]) => {
    const { status, spec } = statusOf({ code });
    return [`\`${code}\``, `${status}${spec ? '*' : ''}`, meaning, retry, more];
  });
}

function unionRows(schema: GraphQLSchema): string[][] {
  const common = schema.getType('Error');
  const types = isInterfaceType(common) ? schema.getImplementations(common).objects : [];
  return [...types]
    .sort((one, other) => one.name.localeCompare(other.name))
    .map((type) => [
      `\`${type.name}\``,
      `\`${codeOfType(type.name)}\``,
      type.description ?? '',
      resultRetries[type.name] ?? '',
      ownFields(type),
    ]);
}

function ownFields(type: GraphQLObjectType): string {
  const names = Object.keys(type.getFields()).filter((name) => name !== 'code' && name !== 'message');
  return names.map((name) => `\`${name}\``).join(', ');
}

function transferRows(): string[][] {
  const rows = Object.entries(transferStatuses).map(([code, status]) => {
    const known = errorCatalog[code];
    const meaning = known?.meaning ?? uploadRefusals[code as keyof typeof uploadRefusals];
    return [`\`${code}\``, String(status), meaning, transferRetries[code] ?? known?.retry ?? 'no, make a new upload'];
  });
  rows.push([
    '`RANGE_NOT_SATISFIABLE`',
    '416',
    'The file has no such bytes; `Content-Range` says how many it has.',
    'no',
  ]);
  rows.push(['`INTERNAL`', '500', 'A mistake of ours, in the log under `requestId`.', 'once']);
  return rows;
}

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`.replace(/ {2,}/g, ' ');
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}
