import path from 'node:path';
import type { Config } from './config.ts';
import { startHttpServer } from './edge/http.ts';
import { startMetricsServer } from './edge/metrics.ts';
import { schema } from './graphql/schema.ts';
import { queueGauges } from './jobs/metrics.ts';
import { createJobQueue, startJobQueue, stopJobQueue } from './jobs/queue.ts';
import { startSchedule } from './jobs/schedule.ts';
import { startRounds, startWorker } from './jobs/worker.ts';
import { createAccessTokens } from './platform/access-tokens.ts';
import { createBreachedPasswords } from './platform/breached-passwords.ts';
import { createCache } from './platform/cache.ts';
import { createCallLeases } from './platform/call-leases.ts';
import { createCourier } from './platform/courier.ts';
import { connectDb } from './platform/db.ts';
import { loadKeyring, loadSigningKeys } from './platform/development-keys.ts';
import { createIdentityProviders } from './platform/identity-providers.ts';
import { requireKnownKeys } from './platform/key-rotation.ts';
import { createKeyring } from './platform/keyring.ts';
import { createLogger, type Logger } from './platform/log.ts';
import { createMailer, type MailWaits, tracedMailer } from './platform/mailer.ts';
import { createMetrics, startMetricsExport, watchProcess } from './platform/metrics.ts';
import { createOwnAddress } from './platform/own-address.ts';
import { createPasswords, type PasswordCost } from './platform/passwords.ts';
import type { Platform } from './platform/platform.ts';
import { createLocalPubSub, createRedisPubSub } from './platform/pubsub.ts';
import { createRateLimits } from './platform/rate-limit.ts';
import { connectRedis } from './platform/redis.ts';
import { createSafeHttp } from './platform/safe-http.ts';
import { createSignatures } from './platform/signatures.ts';
import { createLocalStorage } from './platform/storage/local.ts';
import { createS3Storage } from './platform/storage/s3.ts';
import type { Storage } from './platform/storage/storage.ts';
import { createStripe } from './platform/stripe.ts';
import { startTelemetry } from './platform/telemetry.ts';
import { productionFloorMs } from './platform/time-floor.ts';

export type AppRole = 'api' | 'worker';

export interface AppOptions {
  readonly databaseUrl: string;
  readonly roles: readonly AppRole[];
  readonly log?: Logger;
  /** Tests spend less on each hash. */
  readonly passwordCost?: PasswordCost;
  /** And wait less. */
  readonly timeFloorMs?: number;
  /** And put something between the program and its storage. */
  readonly storageAround?: (storage: Storage) => Storage;
  readonly mailWaits?: MailWaits;
}

export interface App {
  /** Where the API listens; null without the role `api`. */
  readonly url: string | null;
  /** Where Prometheus asks; null without METRICS_PORT. */
  readonly metricsUrl: string | null;
  readonly platform: Platform;
  /** Ends requests, jobs and connections in this order, within ten seconds. May be called twice. */
  close(): Promise<void>;
}

/** Wires the program on a migrated database and starts the roles. What was started is stopped again if one fails. */
export async function startApp(config: Config, options: AppOptions): Promise<App> {
  const closers: (() => Promise<void>)[] = [];
  const close = async () => {
    for (let closer = closers.pop(); closer; closer = closers.pop()) await closer();
  };
  try {
    const platform = await createPlatform(config, options, closers);
    await requireKnownKeys(platform.db, platform.keyring);
    if (options.roles.includes('worker'))
      closers.push((await startWorker(platform)).stop, startSchedule(platform).stop, startRounds(platform).stop);
    const metricsUrl = await tellMetrics(platform, closers);
    if (!options.roles.includes('api')) return { url: null, metricsUrl, platform, close };
    const server = await startHttpServer(platform, schema);
    closers.push(server.close);
    return { url: server.url, metricsUrl, platform, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Nothing is watched or counted where nobody asks. */
async function tellMetrics(platform: Platform, closers: (() => Promise<void>)[]): Promise<string | null> {
  const { config, metrics, log } = platform;
  const { metricsPort, traces } = config;
  if (metricsPort === null && traces === null) return null;
  watchProcess(metrics);
  const countQueues = queueGauges(platform);
  // What the process knows is worth telling also when the database does not answer.
  const refresh = () =>
    countQueues().catch((error: unknown) => log.warn({ err: error }, 'the queues were not counted'));
  if (traces) closers.push((await startMetricsExport(metrics, traces, refresh)).close);
  if (metricsPort === null) return null;
  const server = await startMetricsServer(platform, { port: metricsPort, refresh });
  closers.push(server.close);
  return server.url;
}

async function createPlatform(
  config: Config,
  { databaseUrl, roles, ...options }: AppOptions,
  closers: (() => Promise<void>)[],
): Promise<Platform> {
  const log = options.log ?? createLogger(config.logLevel);
  const telemetry = await startTelemetry(config.traces);
  if (telemetry) closers.push(telemetry.close);
  const now = () => new Date(Date.now() + config.clockOffsetSeconds * 1000);
  const keyring = createKeyring(loadKeyring(config));
  const signingKeys = await loadSigningKeys(config);
  const accessTokens = await createAccessTokens(signingKeys);
  const signatures = await createSignatures(signingKeys);
  const { db, read } = connectDb(databaseUrl, log, telemetry);
  closers.push(() => db.$disconnect());
  const role = roles.includes('worker') ? 'works' : 'sends';
  const jobQueue = createJobQueue(databaseUrl, log, { role, telemetry, ...config });
  await startJobQueue(jobQueue, config);
  closers.push(() => stopJobQueue(jobQueue));
  const redis = config.redisUrl ? connectRedis(config.redisUrl, log) : null;
  if (redis) closers.push(redis.close);
  const pubsub = redis ? createRedisPubSub(redis) : createLocalPubSub();
  closers.push(pubsub.close);
  const mailer = tracedMailer(createMailer(config, now, options.mailWaits), telemetry);
  closers.push(async () => mailer.close());
  const passwords = createPasswords(options.passwordCost);
  const rateLimits = createRateLimits(config.rateLimitScale, redis && { redis: redis.commands, read });
  const { timeFloorMs = productionFloorMs } = options;
  const breachedPasswords = createBreachedPasswords(config, log, createCache(redis?.commands ?? null));
  const identityProviders = createIdentityProviders(config.oauth);
  const signIn = { accessTokens, signatures, passwords, breachedPasswords, rateLimits, timeFloorMs, identityProviders };
  const { storageAround = (storage) => storage } = options;
  const files = {
    storage: storageAround(createStorage(config)),
    ownAddress: createOwnAddress(config.publicApiUrl),
  };
  const safeHttp = createSafeHttp(config.webhooks.allowedNetworks);
  closers.push(safeHttp.close);
  const inProcess = {
    metrics: createMetrics(),
    telemetry,
    callLeases: createCallLeases(),
    courier: createCourier(),
    stripe: createStripe(config.stripe),
  };
  return { config, log, now, db, read, keyring, ...signIn, mailer, jobQueue, pubsub, safeHttp, ...inProcess, ...files };
}

function createStorage({ dataDir, files }: Config): Storage {
  return files.s3 ? createS3Storage(files.s3) : createLocalStorage(path.join(dataDir, 'files'));
}
