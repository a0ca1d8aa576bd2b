import { Redis } from 'ioredis';
import type { Logger } from './log.ts';

/** The two connections of one process: commands, and what others publish. */
export interface RedisConnections {
  readonly commands: Redis;
  readonly subscriber: Redis;
  close(): Promise<void>;
}

const retryMaxMs = 2_000;

/**
 * Connects in the background and again whenever the connection is lost. A command without a connection fails at once:
 * whoever uses Redis says what to do then.
 */
export function connectRedis(url: string, log: Logger): RedisConnections {
  const retryStrategy = (attempt: number) => Math.min(attempt * 100, retryMaxMs);
  const commands = new Redis(url, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: 500,
    retryStrategy,
  });
  const subscriber = new Redis(url, { maxRetriesPerRequest: null, retryStrategy });
  let isLost = false;
  commands.on('ready', () => {
    if (isLost) log.info('redis is back');
    isLost = false;
  });
  // Each attempt has an error of its own; one line for the whole outage is enough.
  commands.on('error', (error) => {
    if (!isLost)
      log.warn(
        { err: error },
        'redis is not there: events stay within each process, limits by address are counted in PostgreSQL',
      );
    isLost = true;
  });
  subscriber.on('error', () => {});
  return {
    commands,
    subscriber,
    async close() {
      commands.disconnect();
      subscriber.disconnect();
    },
  };
}
