import { expect, test } from 'vitest';
import { systemCtx } from '../src/context.ts';
import { lockOrganization } from '../src/domains/organizations/organization-lock.ts';
import { transact } from '../src/platform/db.ts';
import { decodeId } from '../src/platform/typeid.ts';
import { aPerson, useApp } from './support/world.ts';

const app = useApp();

/** Holds what comes first until the other one holds its own, then asks for that: only at the first attempt. */
async function crossing(order: readonly [string, string], meet: () => Promise<void>) {
  let attempts = 0;
  await transact(systemCtx(app.platform), async (ctx) => {
    attempts += 1;
    await lockOrganization(ctx, order[0]);
    if (attempts === 1) await meet();
    await lockOrganization(ctx, order[1]);
  });
  return attempts;
}

test('two transactions that wait for each other both end well: the one that is thrown out begins anew', async () => {
  const people = [await aPerson(app), await aPerson(app)];
  const [one = '', other = ''] = people.map(({ organizationId }) => decodeId('Organization', organizationId) ?? '');
  const { promise: bothHold, resolve } = Promise.withResolvers<void>();
  let holding = 0;
  const meet = () => {
    holding += 1;
    if (holding === 2) resolve();
    return bothHold;
  };
  const attempts = await Promise.all([crossing([one, other], meet), crossing([other, one], meet)]);
  expect(attempts.sort()).toEqual([1, 2]);
});
