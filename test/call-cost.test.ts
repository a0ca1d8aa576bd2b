import pg from 'pg';
import { expect, test, vi } from 'vitest';
import { graphql } from './generated/gql.ts';
import { capCalls } from './support/calls.ts';
import { aPerson, type Person, useApp } from './support/world.ts';

const quota = vi.hoisted(() => ({ isOn: true }));
vi.mock('../src/domains/quotas/call-leases.service.ts', async (importActual) => {
  const actual = await importActual<typeof import('../src/domains/quotas/call-leases.service.ts')>();
  const chargeCall: typeof actual.chargeCall = async (...args) => (quota.isOn ? actual.chargeCall(...args) : null);
  return { ...actual, chargeCall };
});

const app = useApp();

const People = graphql(`
  query PeopleOf($id: ID!) { organization(id: $id) { members(first: 5) { edges { node { user { name } } } } } }
`);

test('F26 a thousand calls write a few times: with quotas there are less than a twentieth more statements than without', async () => {
  const owner = await aPerson(app);
  await capCalls(owner, 5_000);
  const withQuota = await statementsOfThousand(owner);
  quota.isOn = false;
  const without = await statementsOfThousand(owner);
  expect(without).toBeGreaterThanOrEqual(2_000);
  expect(withQuota).toBeGreaterThan(without);
  expect(withQuota / without).toBeLessThan(1.05);
}, 120_000);

/** Counts what goes to the database, without the job queue's own looks. */
async function statementsOfThousand(person: Person): Promise<number> {
  let statements = 0;
  const real = pg.Client.prototype.query as (...args: unknown[]) => unknown;
  const spy = vi.spyOn(pg.Client.prototype, 'query').mockImplementation(function (this: pg.Client, ...args: unknown[]) {
    const [query] = args as [string | { text?: string }];
    const text = typeof query === 'string' ? query : (query.text ?? '');
    if (!text.includes('pgboss')) statements += 1;
    return real.apply(this, args);
  } as never);
  for (let at = 0; at < 1_000; at += 20)
    await Promise.all(
      Array.from({ length: 20 }, async () => {
        const { codes } = await person.send(People, { id: person.organizationId });
        expect(codes).toEqual([]);
      }),
    );
  spy.mockRestore();
  return statements;
}
