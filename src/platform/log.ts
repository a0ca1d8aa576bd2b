import { trace } from '@opentelemetry/api';
import pino from 'pino';

export type Logger = pino.Logger;

/** Keys whose values never reach a log, at the top or one level down. `code` is not: an error's own says what broke. */
const secretKeys = [
  'authorization',
  'cookie',
  'password',
  'newPassword',
  'currentPassword',
  'passwordHash',
  'token',
  'accessToken',
  'refreshToken',
  'challengeToken',
  'invitationToken',
  'secret',
  'codes',
  'html',
  'text',
];

/** JSON lines on stdout, or on `destination`. Times are ISO 8601 in UTC. What is traced says its `traceId`. */
export function createLogger(level: string, destination?: pino.DestinationStream): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      mixin: traceOfNow,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: describeError },
      redact: {
        paths: ['code', 'input.code', ...secretKeys.flatMap((key) => [key, `*.${key}`])],
        censor: '[redacted]',
      },
    },
    destination ?? linesByTurns,
  );
}

/**
 * Standard output, in one write for all lines of a turn of the event loop. What is left when the process exits is written
 * then, so that only a process that is killed loses lines, and of its last turn alone.
 */
const linesByTurns: pino.DestinationStream = (() => {
  const stdout = pino.destination({ dest: 1, sync: true });
  let lines = '';
  const flush = () => {
    const turn = lines;
    lines = '';
    if (turn) stdout.write(turn);
  };
  process.on('exit', flush);
  return {
    write(line) {
      if (!lines) setImmediate(flush);
      lines += line;
    },
  };
})();

const unredactedLogs = new WeakMap<Logger, Logger>();

/** The same log for lines whose every field is ours: looking for secrets costs seven times what such a line does. */
export function unredacted(log: Logger): Logger {
  const known = unredactedLogs.get(log) ?? log.child({}, { redact: [] });
  unredactedLogs.set(log, known);
  return known;
}

function traceOfNow(): { traceId?: string } {
  const span = trace.getActiveSpan();
  return span ? { traceId: span.spanContext().traceId } : {};
}

/** Prisma repeats the arguments of a call that it cannot read, secrets among them, and says what is wrong in the last line. */
function describeError(error: Error): unknown {
  const described = pino.stdSerializers.err(error);
  if (error?.name !== 'PrismaClientValidationError') return described;
  const reason = error.message.trimEnd().split('\n').at(-1) ?? '';
  return { type: described.type, message: reason };
}
