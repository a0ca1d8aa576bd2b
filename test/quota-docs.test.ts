import { Kind, parse } from 'graphql';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { daysAround } from './support/calls.ts';
import { blocksOf } from './support/docs.ts';
import { type StripeServer, startStripe } from './support/stripe-server.ts';
import { aPerson, startTestApp, type TestApp } from './support/world.ts';

let stripe: StripeServer;
let app: TestApp;
beforeAll(async () => {
  stripe = await startStripe();
  app = await startTestApp(stripe.environment);
});
afterAll(async () => {
  await app.close();
  await stripe.close();
});

test('what docs/quotas-and-billing.md shows runs', async () => {
  const owner = await aPerson(app);
  const shown = blocksOf('docs/quotas-and-billing.md');
  const variables = { id: owner.organizationId, ...daysAround(app) };
  for (const text of shown) {
    const [operation] = parse(text).definitions;
    if (operation?.kind !== Kind.OPERATION_DEFINITION) throw new Error(`no operation: ${text}`);
    const names = operation.variableDefinitions?.map(({ variable }) => variable.name.value) ?? [];
    const wanted = Object.fromEntries(Object.entries(variables).filter(([name]) => names.includes(name)));
    const { data, codes } = await owner.send<Record<string, object | null>, unknown>(text, wanted);
    expect({ text, codes, data }).toEqual({ text, codes: [], data: expect.any(Object) });
    for (const answer of Object.values(data)) expect(answer).not.toEqual({ message: expect.any(String) });
  }
  expect(shown).toHaveLength(6);
});
