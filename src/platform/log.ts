import pino from 'pino';

export type Logger = pino.Logger;

/** Keys whose values never reach a log, at the top or one level down. */
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
  'code',
  'codes',
  'html',
  'text',
];

/** JSON lines on stdout, or on `destination`. Times are ISO 8601 in UTC. */
export function createLogger(level: string, destination?: pino.DestinationStream): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: secretKeys.flatMap((key) => [key, `*.${key}`]), censor: '[redacted]' },
    },
    destination ?? pino.destination({ dest: 1, sync: true }),
  );
}
