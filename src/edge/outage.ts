/** Prisma: no connection, time-outs of connection, pool and transaction, connection closed, too many connections. */
const prismaCodes = ['P1001', 'P1002', 'P1008', 'P1017', 'P2024', 'P2028', 'P2037'];
/** Prisma's driver adapter. */
const driverKinds = [
  'DatabaseNotReachable',
  'ConnectionClosed',
  'SocketTimeout',
  'TooManyConnections',
  'TransactionAlreadyClosed',
];
const systemCodes = ['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENOTFOUND', 'EAI_AGAIN'];
/** PostgreSQL: class 08 (connection), shut down or starting, too many connections, statement time-out. */
const postgresCode = /^(08\w{3}|57P0[1-5]|53\d{3}|57014)$/;
/** What pg throws as a plain Error. */
const plainMessage =
  /timeout exceeded when trying to connect|^Connection terminated|Client has encountered a connection error/;

const outageCodes = new Set([...prismaCodes, ...driverKinds, ...systemCodes]);

/** Whether an error says that the database, or the pool in front of it, does not serve us now (D21). */
export function isOutage(error: unknown): boolean {
  return chainOf(error).some(({ code, originalCode, kind, message }) => {
    const codes = [code, originalCode, kind].map(String);
    return (
      codes.some((value) => outageCodes.has(value) || postgresCode.test(value)) || plainMessage.test(String(message))
    );
  });
}

type Link = Record<'code' | 'originalCode' | 'kind' | 'message', unknown>;

/** The error, its causes, and the driver's error that Prisma keeps in `meta`. */
export function chainOf(error: unknown, depth = 0): Link[] {
  if (typeof error !== 'object' || error === null || depth > 5) return [];
  const { cause, meta } = error as { cause?: unknown; meta?: { driverAdapterError?: unknown } };
  return [error as Link, ...chainOf(cause, depth + 1), ...chainOf(meta?.driverAdapterError, depth + 1)];
}
