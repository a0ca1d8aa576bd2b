import { readFileSync } from 'node:fs';
import { buildSchema } from 'graphql';
import { beforeAll, describe, expect, test } from 'vitest';
import { aKey } from './support/api-keys.ts';
import { aCast, type Cast } from './support/callers.ts';
import { callFor, endings, fieldNames, fingerprint, outcomeOf, revived, settled } from './support/matrix-calls.ts';
import { type Kind, kinds, outcomeFor, rowFor, rows, scopes } from './support/matrix-rules.ts';
import { signInWithSecondFactor, withSecondFactor } from './support/second-factor.ts';
import { type Caller, type Person, useApp } from './support/world.ts';

const app = useApp();
const schema = buildSchema(readFileSync(new URL('../schema.graphql', import.meta.url), 'utf8'));
const names = fieldNames(schema);

/** Refusals for who one is. What a form gets wrong, or a code, may count its tries. */
const refusals = /^(null|UNAUTHENTICATED|FORBIDDEN|NOT_FOUND|MFA_REQUIRED|REAUTHENTICATION_REQUIRED)$/;

interface World {
  readonly cast: Cast;
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
  return { cast: { ...cast, owner }, callers: { ...people, ...keys } as Record<Kind, Caller> };
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

describe('every field for every caller', () => {
  let shared: World;
  beforeAll(async () => {
    shared = await aWorld();
  }, 60_000);

  test('F28 the table has a row for no field that is gone', () => {
    expect(Object.keys(rows).filter((name) => !names.includes(name))).toEqual([]);
  });

  test.each(names)('F28 %s', { timeout: 60_000 }, async (name) => {
    const { cast, callers } = endings.includes(name) ? await aWorld() : shared;
    const found: Record<string, string> = {};
    const wrote: string[] = [];
    for (const kind of kinds) {
      const document = await callFor(app, schema, name, cast);
      await settled(app);
      if (endings.includes(name)) await revived(app);
      const before = await fingerprint(app);
      found[kind] = await outcomeOf(callers[kind], document);
      if (refusals.test(found[kind]) && (await fingerprint(app)) !== before) wrote.push(kind);
    }
    expect(wrote, 'refused, and something was written').toEqual([]);
    const row = rows[name];
    if (!row)
      throw new Error(`${name} has no row in matrix-rules.ts. What it did fits: '${name}': ${rowFor(name, found)}`);
    expect(found).toEqual(Object.fromEntries(kinds.map((kind) => [kind, outcomeFor(name, row, kind)])));
  });
});
