import type { Redis } from 'ioredis';
import ipaddr from 'ipaddr.js';
import {
  type RateLimiterAbstract,
  RateLimiterMemory,
  RateLimiterPostgres,
  RateLimiterRedis,
  RateLimiterRes,
} from 'rate-limiter-flexible';
import type { Ctx } from '../context.ts';
import { RateLimited } from '../errors.ts';
import type { Read } from './db.ts';
import { macOf } from './tokens.ts';

interface Rule {
  readonly points: number;
  readonly perSeconds: number;
}

/**
 * Every limit that goes by address of origin or by recipient; `RATE_LIMIT_SCALE` multiplies them. What must hold on all
 * machines together, tries against one account, is counted in PostgreSQL and not here.
 */
const rules = {
  /** Sign-ins that were not right. */
  loginByOrigin: { points: 100, perSeconds: 900 },
  /** Ways to a provider: each keeps a row for ten minutes. */
  oauthByOrigin: { points: 300, perSeconds: 900 },
  registrationByOrigin: { points: 30, perSeconds: 3600 },
  mailRequestByOrigin: { points: 60, perSeconds: 3600 },
  /** By the address that the mail goes to; whoever is over gets no mail, and the same answer. */
  verificationMail: { points: 5, perSeconds: 3600 },
  /** Challenges and tests that people ask for, by endpoint. */
  webhookRequest: { points: 30, perSeconds: 600 },
  passwordResetMail: { points: 5, perSeconds: 3600 },
  /** By the invited address, whichever organizations ask it; whoever is over is told to wait. */
  invitationMail: { points: 5, perSeconds: 3600 },
  /** By organization: each copies as much of the log as is asked for. */
  auditExport: { points: 10, perSeconds: 3600 },
} satisfies Record<string, Rule>;

export type LimitName = keyof typeof rules;
export type RateLimits = Readonly<Record<LimitName, RateLimiterAbstract>>;

interface Limited {
  readonly name: LimitName;
  readonly key: string;
}

/** Where processes count together: in Redis, and in PostgreSQL while that is away. */
export interface SharedCounters {
  readonly redis: Redis;
  readonly read: Read;
}

/** Counters that all processes share, or those of this one process where nothing is shared. */
export function createRateLimits(scale: number, shared: SharedCounters | null): RateLimits {
  const limiterOf = ([name, { points, perSeconds }]: [string, Rule]) => {
    const options = { keyPrefix: `gatehouse:${name}`, points: points * scale, duration: perSeconds };
    return [name, shared ? sharedLimiter(options, shared) : new RateLimiterMemory(options)];
  };
  return Object.fromEntries(Object.entries(rules).map(limiterOf)) as RateLimits;
}

function sharedLimiter(
  options: { keyPrefix: string; points: number; duration: number },
  { redis, read }: SharedCounters,
): RateLimiterRedis {
  const inDatabase = new RateLimiterPostgres({
    ...options,
    storeClient: { query: async (statement: Parameters<Read>[0]) => ({ rows: await read(statement) }) },
    storeType: 'client',
    tableName: 'rate_limits',
    tableCreated: true,
    clearExpiredByTimeout: false,
  });
  return new RateLimiterRedis({ ...options, storeClient: redis, insuranceLimiter: inDatabase });
}

/** Counts one call. @throws RateLimited with the seconds until the next one is let through */
export async function limit(ctx: Ctx, limited: Limited): Promise<void> {
  const waitMs = await consume(ctx, limited);
  if (waitMs !== null) throw new RateLimited(Math.max(1, Math.ceil(waitMs / 1000)));
}

/** Counts one call, and says whether it is within the limit: for what is left out without a word. */
export async function isWithinLimit(ctx: Ctx, limited: Limited): Promise<boolean> {
  return (await consume(ctx, limited)) === null;
}

/** Takes back what `limit` has counted, for a call that proved harmless. */
export async function giveBack(ctx: Ctx, limited: Limited): Promise<void> {
  await ctx.platform.rateLimits[limited.name].reward(storedKey(ctx, limited));
}

/** Counts one call around the `work` that it is for, and takes the count back when that fails. @throws RateLimited */
export async function limitDone<Done>(ctx: Ctx, limited: Limited, work: () => Promise<Done>): Promise<Done> {
  await limit(ctx, limited);
  try {
    return await work();
  } catch (error) {
    await giveBack(ctx, limited);
    throw error;
  }
}

/** Milliseconds to wait, null when there is no need to. */
async function consume(ctx: Ctx, limited: Limited): Promise<number | null> {
  try {
    await ctx.platform.rateLimits[limited.name].consume(storedKey(ctx, limited));
    return null;
  } catch (refusal) {
    if (refusal instanceof RateLimiterRes) return refusal.msBeforeNext;
    throw refusal;
  }
}

/** No store learns an address of mail or origin. */
function storedKey({ platform }: Ctx, { key }: Limited): string {
  return macOf(platform.keyring.derive('rate-limit'), key).toString('base64url');
}

/** Where a call comes from, as far as one subscriber can choose addresses: the /24 of IPv4, the /64 of IPv6. */
export function networkOf({ origin }: Ctx): string {
  if (origin.ipAddress === null) return 'unknown';
  const address = ipaddr.parse(origin.ipAddress);
  return Buffer.from(address.toByteArray().slice(0, address.kind() === 'ipv4' ? 3 : 8)).toString('hex');
}
