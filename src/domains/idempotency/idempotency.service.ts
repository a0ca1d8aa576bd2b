import { setTimeout as delay } from 'node:timers/promises';
import type { Ctx } from '../../context.ts';
import { Conflict } from '../../errors.ts';
import { open, seal } from '../../platform/envelope.ts';
import { placeIn } from '../../platform/sealed-columns.ts';
import { digestOf, macOf, sameBytes } from '../../platform/tokens.ts';
import { newId } from '../../platform/typeid.ts';

/** One request that may come again. */
export interface IdempotentCall {
  /** Of the session or the API key: what one has asked is not told to another. */
  readonly callerId: string;
  readonly key: string;
  /** All that makes it the same request. */
  readonly request: string;
}

export interface FirstAnswer {
  readonly answer: string;
  /** False for a refusal that did nothing and may pass: the same key may try again. */
  readonly isFinal: boolean;
}

const keptMs = 24 * 3_600_000;
/** So long a first run is waited for, counted from its begin. */
const patienceMs = 15_000;
const lookEveryMs = { first: 25, most: 400 };

/**
 * Runs `run` at most once for a caller's key in 24 hours, whichever process is asked; every further call gets the first
 * one's answer, and waits for it where that still runs. Answers are sealed, since some hold a secret.
 * @throws Conflict for another request under the same key, and for one whose first run is not over in time or was cut off
 */
export async function runOnce(ctx: Ctx, call: IdempotentCall, run: () => Promise<FirstAnswer>) {
  const claimedId = await claim(ctx, call);
  if (claimedId === null) return { answer: await firstAnswer(ctx, call), isReplay: true };
  const { answer, isFinal } = await run();
  const mine = { where: { id: claimedId, callerId: call.callerId } };
  const sealed = seal(ctx.platform.keyring, placeOf(claimedId, call), answer);
  await (isFinal
    ? ctx.db.idempotentRequest.updateMany({ ...mine, data: { answer: sealed } })
    : ctx.db.idempotentRequest.deleteMany(mine));
  return { answer, isReplay: false };
}

/** @returns the id of the row, null when the key is taken */
async function claim(ctx: Ctx, call: IdempotentCall): Promise<string | null> {
  const now = ctx.now();
  const expiresAt = new Date(now.getTime() + keptMs);
  const rows = await ctx.db.$queryRaw<{ id: string }[]>`
    INSERT INTO idempotent_requests AS r (id, caller_id, key_digest, fingerprint, expires_at)
    VALUES (${newId()}::uuid, ${call.callerId}::uuid, ${digestOf(call.key)}, ${fingerprintOf(ctx, call)}, ${expiresAt})
    ON CONFLICT (caller_id, key_digest) DO UPDATE
      SET id = excluded.id, fingerprint = excluded.fingerprint, expires_at = excluded.expires_at, answer = NULL
      WHERE r.expires_at <= ${now}
    RETURNING id::text`;
  return rows[0]?.id ?? null;
}

async function firstAnswer(ctx: Ctx, call: IdempotentCall): Promise<string> {
  const where = { callerId_keyDigest: { callerId: call.callerId, keyDigest: digestOf(call.key) } };
  const fingerprint = fingerprintOf(ctx, call);
  for (let waitMs = lookEveryMs.first; ; waitMs = Math.min(waitMs * 2, lookEveryMs.most)) {
    const row = await ctx.db.idempotentRequest.findUnique({ where });
    if (!row) throw new Conflict('The first request with this Idempotency-Key was refused. Send it again.');
    if (!sameBytes(row.fingerprint, fingerprint))
      throw new Conflict('This Idempotency-Key came with another request before. Use a new one.');
    if (row.answer !== null) return open(ctx.platform.keyring, placeOf(row.id, call), row.answer);
    const beganMs = row.expiresAt.getTime() - keptMs;
    if (ctx.now().getTime() - beganMs > patienceMs)
      throw new Conflict('The first request with this Idempotency-Key has no answer yet. Look at what it did.');
    await delay(waitMs);
  }
}

/** Under a key, since what was asked may hold a password. After a change of that key a repetition is a Conflict. */
function fingerprintOf({ platform }: Ctx, { request }: IdempotentCall) {
  return macOf(platform.keyring.derive('idempotency'), request);
}

function placeOf(rowId: string, { callerId }: IdempotentCall) {
  return placeIn('idempotent_requests.answer', { rowId, ownerId: callerId });
}
