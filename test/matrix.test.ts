import { readFileSync } from 'node:fs';
import { buildSchema } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeId } from '../src/platform/typeid.ts';
import { aKey } from './support/api-keys.ts';
import { aCast } from './support/callers.ts';
import {
  callFor,
  endings,
  fieldNames,
  fingerprints,
  listeningOutcome,
  outcomeOf,
  revived,
  settled,
  writtenSince,
} from './support/matrix-calls.ts';
import { type Kind, kinds, outcomeFor, rowFor, rows, scopes } from './support/matrix-rules.ts';
import type { Setting } from './support/matrix-targets.ts';
import { signInWithSecondFactor, withSecondFactor } from './support/second-factor.ts';
import { type Receiver, startReceiver } from './support/webhook-receiver.ts';
import { allowLoopback } from './support/webhooks.ts';
import { type Caller, type Person, useApp } from './support/world.ts';

const app = useApp(allowLoopback);
let receiver: Receiver;
const schema = buildSchema(readFileSync(new URL('../schema.graphql', import.meta.url), 'utf8'));
const names = fieldNames(schema);

/** Refusals for who one is. What a form gets wrong, or a code, may count its tries. */
const refusals = /^(null|UNAUTHENTICATED|FORBIDDEN|NOT_FOUND|MFA_REQUIRED|REAUTHENTICATION_REQUIRED)$/;

const worldLastsMs = 150_000;

interface World {
  readonly setting: Setting;
  readonly callers: Readonly<Record<Kind, Caller>>;
}

async function aWorld(): Promise<World> {
  const cast = await aCast(app);
  const factor = await withSecondFactor(app, cast.owner);
  const owner = await signInWithSecondFactor(app, cast.owner, factor);
  const late = await aLateSession(owner, factor);
  const keys: Partial<Record<Kind, Caller>> = {};
  for (const scope of scopes) keys[`key ${scope}`] = await aKey(app, owner, { scopes: [scope] });
  const people = { ...cast.callers, owner, 'owner long after signing in': late };
  const organizationId = decodeId('Organization', owner.organizationId) ?? '';
  const setting = { app, cast: { ...cast, owner }, organizationId, receiverUrl: receiver.url };
  return { setting, callers: { ...people, ...keys } as Record<Kind, Caller> };
}

async function aLateSession(owner: Person, factor: Awaited<ReturnType<typeof withSecondFactor>>): Promise<Person> {
  const late = await signInWithSecondFactor(app, owner, factor);
  const { id } = await app.platform.db.session.findFirstOrThrow({
    where: { user: { email: owner.email } },
    orderBy: { id: 'desc' },
  });
  const authenticatedAt = new Date(Date.now() - 11 * 60_000);
  await app.platform.db.session.update({ where: { id }, data: { authenticatedAt } });
  return late;
}

interface Findings {
  readonly found: Record<string, string>;
  /** What was written to though they were refused or only read. */
  readonly wrote: string[];
}

/** Reading writes nothing, whoever asks: all at once. */
async function askToRead(name: string, { setting, callers }: World): Promise<Findings> {
  const document = await callFor(schema, name, setting);
  await settled(app);
  const before = await fingerprints(app);
  const outcomes = kinds.map(async (kind) => [kind, await outcomeOf(callers[kind], document)] as const);
  const found = Object.fromEntries(await Promise.all(outcomes));
  return { found, wrote: await writtenSince(app, before) };
}

/** As reading, but one after the other, since a stream that stands says nothing. */
async function askToListen(name: string, { setting, callers }: World): Promise<Findings> {
  const document = await callFor(schema, name, setting);
  await settled(app);
  const before = await fingerprints(app);
  const found: Record<string, string> = {};
  for (const kind of kinds) found[kind] = await listeningOutcome(app, callers[kind], document);
  return { found, wrote: await writtenSince(app, before) };
}

const askers = { Query: askToRead, Organization: askToRead, Mutation: askToChange, Subscription: askToListen };

async function askToChange(name: string, { setting, callers }: World): Promise<Findings> {
  const found: Record<string, string> = {};
  const wrote: string[] = [];
  for (const kind of kinds) {
    const document = await callFor(schema, name, setting);
    await settled(app);
    if (endings.includes(name)) await revived(app);
    const before = await fingerprints(app);
    const outcome = await outcomeOf(callers[kind], document);
    found[kind] = outcome;
    if (refusals.test(outcome)) wrote.push(...(await writtenSince(app, before)).map((table) => `${kind}: ${table}`));
  }
  return { found, wrote };
}

describe('every field for every caller', () => {
  let shared: { world: World; bornAtMs: number } | null = null;
  beforeAll(async () => {
    receiver = await startReceiver();
  });
  afterAll(() => receiver.close());

  test('F28 the table has a row for no field that is gone', () => {
    expect(Object.keys(rows).filter((name) => !names.includes(name))).toEqual([]);
  });

  test.each(names)('F28 %s', { timeout: 180_000 }, async (name) => {
    // Access tokens live for five minutes, and the slowest field takes one.
    if (!shared || Date.now() - shared.bornAtMs > worldLastsMs)
      shared = { bornAtMs: Date.now(), world: await aWorld() };
    const world = endings.includes(name) ? await aWorld() : shared.world;
    const { found, wrote } = await askers[name.split('.')[0] as keyof typeof askers](name, world);
    expect(wrote, 'something was written that should not').toEqual([]);
    const row = rows[name];
    if (!row)
      throw new Error(`${name} has no row in matrix-rules.ts. What it did fits: '${name}': ${rowFor(name, found)}`);
    expect(found).toEqual(Object.fromEntries(kinds.map((kind) => [kind, outcomeFor(name, row, kind)])));
  });
});
