/**
 * A run of attacks on the edge, after OWASP's API Security Top 10 (2023) and its GraphQL cheat sheet. Each is made against
 * the running program with a victim in it. Whatever is tried: the attacker hears the one safe answer, nothing of what they
 * sent comes back, no table changes but those named, nothing is logged as a bug, and the program serves on.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { accessAttacks } from './support/attacks/access.ts';
import { type Arena, type Attack, anArena, echo, signingKeys } from './support/attacks/arena.ts';
import { credentialAttacks } from './support/attacks/credentials.ts';
import { fileAttacks } from './support/attacks/files.ts';
import { inputAttacks } from './support/attacks/input.ts';
import { operationAttacks } from './support/attacks/operations.ts';
import { outsideAttacks } from './support/attacks/outside.ts';
import { socketAttacks } from './support/attacks/sockets.ts';
import { transportAttacks } from './support/attacks/transport.ts';
import { fingerprints, settled, writtenSince } from './support/matrix-calls.ts';
import { webhookSecret } from './support/stripe-server.ts';
import { useApp } from './support/world.ts';

const app = useApp({
  SIGNING_KEYS: signingKeys,
  WEBHOOK_ALLOW_CIDRS: '127.0.0.2/32',
  STRIPE_SECRET_KEY: 'sk_test_of_the_tests',
  STRIPE_WEBHOOK_SECRET: webhookSecret,
  STRIPE_API_BASE: 'http://127.0.0.1:9',
  STRIPE_PRICES: 'team=price_team,business=price_business',
});

const attacks: readonly Attack[] = [
  ...accessAttacks,
  ...credentialAttacks,
  ...operationAttacks,
  ...transportAttacks,
  ...inputAttacks,
  ...outsideAttacks,
  ...fileAttacks,
  ...socketAttacks,
];

let arena: Arena & { close(): Promise<void> };
beforeAll(async () => {
  arena = await anArena(app);
});
afterAll(() => arena.close());

test('the run has more than forty attacks, each with a name of its own', () => {
  expect(new Set(attacks.map(({ name }) => name)).size).toBe(attacks.length);
  expect(attacks.length).toBeGreaterThan(40);
});

describe('an attack gains nothing:', () => {
  const numbered = attacks.map((attack, at) => [String(at + 1).padStart(2, '0'), attack.category, attack.name, attack]);
  test.each(numbered as [string, string, string, Attack][])('%s %s: %s', async (_number, _category, _name, attack) => {
    await settled(app);
    const [before, lines, words] = [await fingerprints(app), app.logLines.length, arena.heard.length];
    expect(await attack.run(arena)).toEqual(attack.safe);
    const written = (await writtenSince(app, before)).filter((table) => !attack.writes?.includes(table));
    expect(written, 'tables that changed').toEqual([]);
    expect(arena.heard.slice(words).filter((text) => text.includes(echo))).toEqual([]);
    expect(app.logLines.slice(lines).filter(({ level }) => level === 'error')).toEqual([]);
    expect((await fetch(`${app.url}/health/ready`)).status).toBe(200);
    expect((await arena.owner.send('{ viewer { id } }')).codes).toEqual([]);
  });
});
